"""Mappings: which group of a provider gives which role."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("mappings", __name__, "/mappings")


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
