"""What was deleted, and can be brought back."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("trash", __name__, "/trash")


@blueprint.get("")
@page()
def listed() -> str:
    """Not yet."""
    return render_template("console/overview.html")
