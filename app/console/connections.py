"""The connections to identity providers."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("connections", __name__, "/connections")


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
