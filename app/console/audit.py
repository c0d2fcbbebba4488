"""The audit log: searched, read, exported."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.console import asked
from app.console.pages import page, section, visitor, writing
from app.directory import audit_exports
from app.downloads import attachment
from app.lists import audit as lists
from app.lists.audit import FORMATS, AuditFilter

blueprint = section("audit", __name__, "/audit")

SHOWN = 50
TEXTS = ("action", "actor", "target_type", "target", "surface", "outcome", "address", "request_id")


@blueprint.get("")
@page("audit.view")
def listed() -> str | BaseResponse:
    """Show what happened, the newest first, narrowed by what is asked for."""
    wanted = _wanted()
    if wanted is None:
        flash(_("This is no day."), "danger")
        return redirect(url_for("audit.listed"), 303)
    found = lists.listed(
        visitor().account_id, AuditFilter(**wanted), cursor=request.args.get("cursor"), limit=SHOWN
    )
    return render_template("console/audit.html", found=found)


@blueprint.post("/export")
@page("audit.view")
def export() -> Response | BaseResponse:
    """Hand out what is asked for as a file. That it was, and to whom, stands in the log itself."""
    wanted, format_ = _wanted(), request.form.get("format", "")
    if wanted is None or format_ not in FORMATS:
        return redirect(url_for("audit.listed"), 303)
    account_id = visitor().account_id
    with writing() as work:
        audit_exports.note(work, format_, wanted)
    type_, lines_of = FORMATS[format_]
    lines = lines_of(lists.every(account_id, AuditFilter(**wanted)))
    return attachment(lines, type_, f"audit.{format_}")


def _wanted() -> dict[str, Any] | None:
    """Return the filter of the query; None where a day is none."""
    wanted: dict[str, Any] = {name: text for name in TEXTS if (text := asked.text(name))}
    try:
        return wanted | asked.days()
    except ValueError:
        return None
