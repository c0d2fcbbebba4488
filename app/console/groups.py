"""The groups of the account."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("groups", __name__, "/groups")


@blueprint.get("")
@page("group.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
