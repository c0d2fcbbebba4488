"""One person: what they are, may do and have done."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("person", __name__, "/people/<user_id>")


@blueprint.get("")
@page("user.view")
def shown(user_id: str) -> str:
    """Not yet."""
    return render_template("console/overview.html")
