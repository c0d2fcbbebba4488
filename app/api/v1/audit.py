"""``/audit``: what happened, who did it, and from where."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.writing import writing
from app.directory import audit_exports
from app.downloads import attachment
from app.lists import audit as lists
from app.lists.audit import FORMATS, AuditFilter

part = Part("audit", __name__, url_prefix="/audit", description="What happened.")

WORD = validate.Length(1, 64)


class PartySchema(Schema):
    """Who did it, or what it was done to."""

    type = fields.String(required=True)
    id = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)


class EventSchema(Schema):
    id = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    action = fields.String(required=True, metadata={"description": "Such as user.deactivated."})
    outcome = fields.String(required=True, validate=validate.OneOf(["success", "refused"]))
    reason = fields.String(required=True, metadata={"description": "Why it was refused."})
    surface = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)
    actor = fields.Nested(PartySchema, required=True)
    target = fields.Nested(PartySchema, required=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    sequence = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Place in the sealed chain; null: not sealed yet."},
    )
    seal = fields.String(required=True, allow_none=True)


class Wanted(Strict):
    """Which events."""

    action = fields.String(
        validate=WORD,
        metadata={"description": "Such as user.created; `user.` for all that begin so."},
    )
    outcome = fields.String(validate=validate.OneOf(["success", "refused"]))
    actor = fields.String(
        validate=validate.Length(1, 1024), metadata={"description": "Id or name of who did it."}
    )
    target_type = fields.String(validate=WORD)
    target = fields.String(
        validate=validate.Length(1, 1024),
        metadata={"description": "Id or name of what it was done to."},
    )
    surface = fields.String(
        validate=validate.OneOf(["scim", "saml", "console", "api", "cli"]),
    )
    address = fields.String(validate=WORD)
    request_id = fields.String(validate=WORD)
    since = fields.AwareDateTime()
    until = fields.AwareDateTime(metadata={"description": "Not included."})


class AuditQuery(Wanted, ListQuery):
    """Which events, page by page."""


class ExportQuery(Wanted):
    format = fields.String(load_default="jsonl", validate=validate.OneOf(list(FORMATS)))


@part.get("")
@needs("audit.view")
@part.arguments(AuditQuery, location="query")
@part.response(200, page_schema(EventSchema))
def list_events(query: dict[str, Any]) -> dict[str, Any]:
    """List what happened, the newest first."""
    page = {name: query.pop(name, None) for name in ("cursor", "limit")}
    return plain(lists.listed(caller().account_id, AuditFilter(**query), **page))


@part.get("/export")
@needs("audit.view")
@part.arguments(ExportQuery, location="query")
@part.response(200, content_type="application/x-ndjson")
@part.alt_response(200, content_type="text/csv")
def export(query: dict[str, Any]) -> Response:
    """Export what happened, the newest first, as JSON lines or CSV.

    That it was exported, and by whom, is written to the log itself.
    """
    format_ = query.pop("format")
    wanted, account_id = AuditFilter(**query), caller().account_id
    with writing() as work:
        audit_exports.note(work, format_, query)
    type_, lines_of = FORMATS[format_]
    lines = lines_of(lists.every(account_id, wanted))
    return attachment(lines, type_, f"audit.{format_}")
