"""What providers asked over SCIM."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("provisioning", __name__, "/provisioning")


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
