"""What the account requires of a sign-in."""

from __future__ import annotations

from flask import render_template

from app.console.pages import page, section

blueprint = section("policy", __name__, "/sign-in-rules")


@blueprint.get("")
@page("settings.manage")
def shown() -> str:
    """Not yet."""
    return render_template("console/overview.html")
