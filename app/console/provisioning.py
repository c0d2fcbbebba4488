"""What providers asked over SCIM, request by request, and how it went."""

from __future__ import annotations

from flask import render_template, request

from app.console.pages import page, section, visitor
from app.directory import provisioning_log
from app.lists import connections

blueprint = section("provisioning", __name__, "/provisioning")

SHOWN = 50
LONGEST = 256


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Show what was asked, the newest first."""
    account_id, asked = visitor().account_id, request.args
    found = provisioning_log.find(
        account_id,
        user=asked.get("user", "").strip()[:LONGEST] or None,
        connection=asked.get("connection", "")[:36] or None,
        failures=asked.get("failures") == "1",
        before=asked.get("before", "")[:36] or None,
        limit=SHOWN,
    )
    return render_template(
        "console/provisioning.html",
        found=found,
        next=found[-1].row.id if len(found) == SHOWN else None,
        connections=connections.listed(account_id, kind="scim", limit=500).items,
    )
