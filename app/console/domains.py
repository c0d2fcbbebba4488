"""The domains of the account, by which people find their sign-in."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("domains", __name__, "/domains")


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
