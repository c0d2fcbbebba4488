"""The set-up guide: connecting an identity provider, step by step."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("guide", __name__, "/guide")


@blueprint.get("")
@page("connection.manage")
def chosen() -> str:
    """Not yet."""
    return render_template("console/overview.html")
