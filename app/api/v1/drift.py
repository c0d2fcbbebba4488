"""``/drift-reports``: who a provider exports, compared with who is here (docs/drift.md)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, page_after, page_schema, plain
from app.api.v1.drift_schemas import (
    AfterQuery,
    DriftProblemSchema,
    DriftReportSchema,
    DriftRowSchema,
    Fix,
    NewReport,
    RowQuery,
)
from app.api.v1.dry_run import previewable
from app.api.v1.writing import post
from app.directory import bounds, operations
from app.directory.drift import start
from app.directory.drift.reading import Export, look_through
from app.directory.drift.start import COUNTS, FIXED, KIND
from app.directory.errors import existing
from app.directory.imports import files
from app.directory.work import Work
from app.downloads import attachment
from app.lists import drift as rows
from app.lists import operations as lists
from app.lists import spreadsheets
from app.security.requests import current_request

part = Part(
    "drift", __name__, url_prefix="/drift-reports", description="What a provider exports, compared."
)

NEEDED = "user.manage"
TABLE = "text/csv"
TYPES = (TABLE, "application/json", "application/scim+json")
BODY = {
    "required": True,
    "content": {
        each: {"schema": {"type": "string"} if each == TABLE else {"type": ["object", "array"]}}
        for each in TYPES
    },
}


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

    The body is the export, a table or SCIM resources, with its `Content-Length`: one that is sent
    in chunks is refused (411), as half of it could look whole. It is compared in the background.
    Needs `group.manage` too where the export says who is in which group.
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
@part.response(200, page_after(DriftRowSchema))
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
    lines = rows.as_csv(caller().account_id, report_id, in_words=False)
    return attachment(lines, spreadsheets.CONTENT_TYPE, "drift.csv")


@part.get("/<report_id>/problems")
@needs(NEEDED)
@part.arguments(AfterQuery, location="query")
@part.response(200, page_after(DriftProblemSchema))
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
