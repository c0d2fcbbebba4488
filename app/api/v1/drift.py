"""``/drift-reports``: who a provider exports, compared with who is here (docs/drift.md)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request, stream_with_context
from marshmallow import Schema, fields, validate
from werkzeug.exceptions import UnsupportedMediaType

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.references import NamedSchema
from app.api.v1.writing import post
from app.directory import bounds, operations
from app.directory.drift import start
from app.directory.drift.reading import Export, look_through
from app.directory.drift.start import COUNTS, FIXED, KIND, KINDS
from app.directory.errors import existing
from app.directory.imports import files
from app.directory.work import Work
from app.lists import drift as rows
from app.lists import operations as lists
from app.lists import spreadsheets
from app.lists.paging import LONGEST_PAGE
from app.security.requests import current_request

part = Part(
    "drift", __name__, url_prefix="/drift-reports", description="What a provider exports, compared."
)

NEEDED = "user.manage"
BY_ID = validate.Length(1, 36)
STATES = ("waiting", "running", "done", "failed", "cancelled")
HIGHEST = 2_147_483_647
TABLE = "text/csv"
TYPES = (TABLE, "application/json", "application/scim+json")
BODY = {
    "required": True,
    "content": {
        each: {"schema": {"type": "string"} if each == TABLE else {"type": ["object", "array"]}}
        for each in TYPES
    },
}


class DriftReportSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "Of the file."})
    connection = fields.Nested(
        NamedSchema, required=True, metadata={"description": "As it was called then."}
    )
    fixes = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The report that this mends; null: it is a report."},
    )
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    total = fields.Integer(required=True, metadata={"description": "How many people."})
    done = fields.Integer(required=True, metadata={"description": "How many of them so far."})
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": f"So far. Of a report: {', '.join(COUNTS)}; of what mends one: "
            f"{', '.join(FIXED)}."
        },
    )
    problems = fields.Integer(
        required=True, metadata={"description": "Of how many people not everything could be done."}
    )
    with_groups = fields.Boolean(
        required=True, metadata={"description": "Whether the file says who is in which group."}
    )
    ignored = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Columns of the file that are not read."},
    )
    error = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it failed."}
    )
    created_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class DifferenceSchema(Schema):
    """What is here and what is there: a text, or what of a list is on that side alone."""

    here = fields.Raw(required=True, allow_none=True)
    there = fields.Raw(required=True, allow_none=True)


class DriftRowSchema(Schema):
    number = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    user_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: missing here."}
    )
    name = fields.String(required=True)
    changes = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(DifferenceSchema),
        required=True,
        metadata={"description": "By field, of those who are different."},
    )


class DriftProblemSchema(Schema):
    line = fields.Integer(required=True, metadata={"description": "Or place of the resource."})
    column = fields.String(
        required=True, allow_none=True, metadata={"description": "null: the whole row."}
    )
    name = fields.String(required=True)
    reason = fields.String(required=True)
    whole = fields.Boolean(
        required=True, metadata={"description": "Whether nothing of the row was done."}
    )


class NewReport(Strict):
    connection_id = fields.String(required=True, validate=BY_ID)
    name = fields.String(
        load_default="export",
        validate=validate.Length(1, 256),
        metadata={"description": "What the file is called."},
    )


class Fix(Strict):
    many = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether more than half of them may be deactivated."},
    )


class AfterQuery(Strict):
    after = fields.Integer(
        load_default=0,
        validate=validate.Range(0, HIGHEST),
        metadata={"description": "`next` of the page before; 0: from the beginning."},
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_PAGE))


class RowQuery(AfterQuery):
    kind = fields.String(
        validate=validate.OneOf(KINDS), metadata={"description": "Of one kind alone."}
    )


def _page_after(item: type[Schema]) -> Schema:
    """Return the schema of a page that follows a number."""
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.Integer(
            required=True,
            allow_none=True,
            metadata={"description": "`after` of the following page; null: this is the last."},
        ),
    }
    name = item.__name__.removesuffix("Schema")
    page: Schema = Schema.from_dict(members, name=f"{name}Page")()
    return page


def _as_large_as_a_file(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let an export be as large as a file may be, whatever is said of other bodies."""

    @wraps(view)
    def allowed(*args: Any) -> Any:
        if request.mimetype in TYPES:
            # What has a byte more is refused as the file that it is.
            current_request().max_content_length = files.SIZE_LIMIT + 1
        return view(*args)

    return allowed


def _looked_through(view: Callable[[dict[str, Any], Export], Any]) -> Callable[..., Any]:
    """Let a view have the export that is sent. It is read before the write transaction."""

    @wraps(view)
    def prepared(query: dict[str, Any]) -> Any:
        if request.mimetype not in TYPES:
            raise UnsupportedMediaType(f"Send the export as one of {', '.join(TYPES)}.")
        name = bounds.required("name", query["name"])
        export = look_through(name, current_request().file())
        with export.lines:
            return view(query, export)

    return prepared


@part.get("")
@needs(NEEDED)
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(DriftReportSchema))
def list_reports(query: dict[str, Any]) -> dict[str, Any]:
    """List reports, and what mends them, the newest first. They are kept for 30 days."""
    page = plain(lists.listed(caller().account_id, KIND, **query))
    return page | {"items": [_shown(each) for each in page["items"]]}


@part.post("")
@_as_large_as_a_file
@needs(NEEDED)
@part.doc(requestBody=BODY)
@part.arguments(NewReport, location="query")
@_looked_through
@previewable
@part.response(201, DriftReportSchema)
def start_report(query: dict[str, Any], export: Export) -> Any:
    """Compare what a provider exports with who came through its connection.

    The body is the export, a table or SCIM resources. It is compared in the background. Needs
    `group.manage` too where the export says who is in which group.
    """

    def begin(work: Work) -> dict[str, Any]:
        return read(start.start(work, query["connection_id"], export))

    return post(begin, DriftReportSchema(), _location, body=export.digest)


@part.get("/<report_id>")
@needs(NEEDED)
@part.response(200, DriftReportSchema)
def show_report(report_id: str) -> dict[str, Any]:
    """Show a report, or what mends one, and how far it is."""
    return read(report_id)


@part.get("/<report_id>/rows")
@needs(NEEDED)
@part.arguments(RowQuery, location="query")
@part.response(200, _page_after(DriftRowSchema))
def list_rows(query: dict[str, Any], report_id: str) -> dict[str, Any]:
    """List who is not as the provider says, in the order of the file."""
    read(report_id)
    limit = query.pop("limit")
    found = rows.rows(caller().account_id, report_id, **query, limit=limit + 1)
    return _cut([_row(each) for each in found], limit, "number")


@part.get("/<report_id>/rows.csv")
@needs(NEEDED)
@part.response(200, content_type="text/csv")
def export_rows(report_id: str) -> Response:
    """Export who is not as the provider says as CSV: a record for each field that differs."""
    read(report_id)
    return Response(
        stream_with_context(rows.as_csv(caller().account_id, report_id)),
        content_type=spreadsheets.CONTENT_TYPE,
        headers={"Content-Disposition": "attachment; filename=drift.csv"},
    )


@part.get("/<report_id>/problems")
@needs(NEEDED)
@part.arguments(AfterQuery, location="query")
@part.response(200, _page_after(DriftProblemSchema))
def list_problems(query: dict[str, Any], report_id: str) -> dict[str, Any]:
    """List of whom not everything could be compared or mended, and why."""
    read(report_id)
    limit = query.pop("limit")
    found = lists.problems(caller().account_id, report_id, **query, limit=limit + 1)
    return _cut(found, limit, "line")


@part.post("/<report_id>/fix")
@previewable
@needs(NEEDED)
@part.arguments(Fix)
@part.response(201, DriftReportSchema)
def fix(body: dict[str, Any], report_id: str) -> Any:
    """Make the people here what a report says, in the background. The answer is what mends it.

    Needs `group.manage` too where the export says who is in which group.
    """

    def begin(work: Work) -> dict[str, Any]:
        return read(start.fix(work, report_id, many=body["many"]))

    return post(begin, DriftReportSchema(), _location)


@part.post("/<report_id>/cancel")
@previewable
@needs(NEEDED)
@part.response(201, DriftReportSchema)
def cancel(report_id: str) -> Any:
    """Stop comparing or mending what waits or runs. What is done stays."""

    def stop(work: Work) -> dict[str, Any]:
        read(report_id)
        operations.cancel(work, report_id)
        return read(report_id)

    return post(stop, DriftReportSchema())


def read(report_id: str) -> dict[str, Any]:
    """Return what is shown of a report, or of what mends one.

    :raises NotFound: When the caller's account has no such report.
    """
    found = lists.one(caller().account_id, report_id)
    is_one = found is not None and found["kind"] == KIND
    return _shown(existing(found if is_one else None, "drift report", report_id))


def _shown(operation: dict[str, Any]) -> dict[str, Any]:
    options, counts = operation["options"], operation["counts"]
    connection = options["connection"]
    return operation | {
        "connection": {name: connection[name] for name in ("id", "name")},
        "fixes": options["report"] if options["fix"] else None,
        "counts": dict.fromkeys(FIXED if options["fix"] else COUNTS, 0) | counts,
        "problems": counts.get("refused", 0),
        "with_groups": options["groups"],
        "ignored": options["ignored"],
        "created_by": operation["actor_name"],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    changes = {
        name: {"here": here, "there": there} for name, (here, there) in row["changes"].items()
    }
    return row | {"changes": changes}


def _cut(found: list[dict[str, Any]], limit: int, number: str) -> dict[str, Any]:
    """Return a page of what was asked for with one more."""
    shown = found[:limit]
    return {"items": shown, "next": shown[-1][number] if len(found) > limit else None}


def _location(report: dict[str, Any]) -> str:
    return f"/api/v1/drift-reports/{report['id']}"
