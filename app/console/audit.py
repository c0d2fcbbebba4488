"""The audit log: searched, read, exported."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.console.pages import page, section, visitor, writing
from app.directory.work import Target
from app.lists import audit as lists
from app.lists.audit import AuditFilter

blueprint = section("audit", __name__, "/audit")

SHOWN = 50
LONGEST = 256
FORMATS = {
    "csv": ("text/csv; charset=utf-8", lists.as_csv),
    "jsonl": ("application/x-ndjson", lists.as_jsonl),
}
TEXTS = ("action", "actor", "target_type", "target", "surface", "outcome", "address", "request_id")
_DAY = timedelta(days=1)


@blueprint.get("")
@page("audit.view")
def listed() -> str | BaseResponse:
    """Show what happened, the newest first, narrowed by what is asked for."""
    asked = _asked()
    if asked is None:
        flash(_("This is no day."), "danger")
        return redirect(url_for("audit.listed"), 303)
    found = lists.listed(
        visitor().account_id, AuditFilter(**asked), cursor=request.args.get("cursor"), limit=SHOWN
    )
    return render_template("console/audit.html", found=found)


@blueprint.post("/export")
@page("audit.view")
def export() -> Response | BaseResponse:
    """Hand out what is asked for as a file. That it was, and to whom, stands in the log itself."""
    asked, format_ = _asked(), request.form.get("format", "")
    if asked is None or format_ not in FORMATS:
        return redirect(url_for("audit.listed"), 303)
    account_id = visitor().account_id
    said = {name: str(value) for name, value in asked.items()}
    with writing() as work:
        work.record(
            "audit.exported", Target("account", account_id), after={"format": format_} | said
        )
    type_, lines_of = FORMATS[format_]
    return Response(
        stream_with_context(lines_of(lists.every(account_id, AuditFilter(**asked)))),
        content_type=type_,
        headers={"Content-Disposition": f"attachment; filename=audit.{format_}"},
    )


def _asked() -> dict[str, Any] | None:
    """Return the filter of the query; None where a day is none."""
    asked: dict[str, Any] = {
        name: text for name in TEXTS if (text := request.args.get(name, "").strip()[:LONGEST])
    }
    try:
        for name, later in (("since", timedelta()), ("until", _DAY)):
            if request.args.get(name):
                day = date.fromisoformat(request.args[name])
                asked[name] = datetime.combine(day, time(), UTC) + later
    except (ValueError, OverflowError):
        return None
    return asked
