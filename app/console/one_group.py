"""One group: who is in it, and what it gives."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("group", __name__, "/groups/<group_id>")


@blueprint.get("")
@page("group.view")
def shown(group_id: str) -> str:
    """Not yet."""
    return render_template("console/overview.html")
