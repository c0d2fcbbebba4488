"""Tokens of programs: SCIM and the API."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("tokens", __name__, "/tokens")


@blueprint.get("")
@page("token.manage")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
