"""Where an administrator begins: how the account stands, and what wants their attention."""

from __future__ import annotations

from flask import render_template

from app.console.pages import Visitor


def overview_page(who: Visitor) -> str:
    """Return the page, as far as the visitor may know."""
    return render_template("console/overview.html", who=who)
