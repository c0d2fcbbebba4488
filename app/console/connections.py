"""The connections to identity providers."""

from __future__ import annotations

from flask import render_template, request

from app.console.pages import page, section, visitor
from app.lists import connections as lists

blueprint = section("connections", __name__, "/connections")

SHOWN = 100


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """List connections by name."""
    found = lists.listed(visitor().account_id, cursor=request.args.get("cursor"), limit=SHOWN)
    return render_template("console/connections/list.html", found=found)
