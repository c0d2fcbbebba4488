"""One folder: who has it, and what can be done with it."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("folder", __name__, "/folders/<folder_id>")


@blueprint.get("")
@page()
def shown(folder_id: str) -> str:
    """Not yet."""
    return render_template("console/overview.html")
