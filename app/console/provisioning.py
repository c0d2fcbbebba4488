"""What providers asked over SCIM, request by request, and how it went."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.console import asked
from app.console.pages import page, section, visitor
from app.directory import provisioning_log
from app.lists import connections

blueprint = section("provisioning", __name__, "/provisioning")

SHOWN = 50


@blueprint.get("")
@page("connection.view")
def listed() -> str | Response:
    """Show what was asked, the newest first."""
    account_id = visitor().account_id
    try:
        days = asked.days()
    except ValueError:
        flash(_("This is no day."), "danger")
        return redirect(url_for("provisioning.listed"), 303)
    found = provisioning_log.find(
        account_id,
        user=asked.text("user"),
        connection=asked.id_("connection"),
        failures=request.args.get("failures") == "1",
        **days,
        before=asked.id_("before"),
        limit=SHOWN,
    )
    return render_template(
        "console/provisioning.html",
        found=found,
        next=found[-1].row.id if len(found) == SHOWN else None,
        connections=connections.listed(account_id, kind="scim", limit=500).items,
    )
