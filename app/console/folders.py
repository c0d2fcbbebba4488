"""The tree of folders."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("folders", __name__, "/folders")


@blueprint.get("")
@page()
def tree() -> str:
    """Not yet."""
    return render_template("console/overview.html")
