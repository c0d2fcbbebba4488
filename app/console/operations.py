"""Long operations: what runs, how far it is, what came of it."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("operations", __name__, "/operations")


@blueprint.get("")
@page("user.manage")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
