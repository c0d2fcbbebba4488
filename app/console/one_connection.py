"""One connection to an identity provider."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("connection", __name__, "/connections/<connection_id>")


@blueprint.get("")
@page("connection.view")
def shown(connection_id: str) -> str:
    """Not yet."""
    return render_template("console/overview.html")
