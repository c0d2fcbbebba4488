"""From which addresses the account may be reached."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("addresses", __name__, "/addresses")


@blueprint.get("")
@page("address.manage")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
