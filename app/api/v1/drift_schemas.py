"""What ``/drift-reports`` takes and answers."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.api.v1.blueprint import Strict
from app.api.v1.references import NamedSchema
from app.directory.drift.start import COUNTS, FIXED, KINDS
from app.lists.paging import LONGEST_PAGE

BY_ID = validate.Length(1, 36)
STATES = ("waiting", "running", "done", "failed", "cancelled")
LAST_NUMBER = 2_147_483_647
"""The highest number a row of a report can have: its column holds 32 bits (PostgreSQL)."""


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
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata={"description": "`extra`: here alone."},
    )
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
        validate=validate.Range(0, LAST_NUMBER),
        metadata={"description": "`next` of the page before; 0: from the beginning."},
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_PAGE))


class RowQuery(AfterQuery):
    kind = fields.String(
        validate=validate.OneOf(KINDS), metadata={"description": "Of one kind alone."}
    )
