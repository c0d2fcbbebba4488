"""Roles, built in and of the account's own."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("roles", __name__, "/roles")


@blueprint.get("")
@page("user.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
