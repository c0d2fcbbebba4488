"""Who could reach what, at a time in the past: of one person, of one folder, of the account."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.access.history import WhoCould, what_could, who_could
from app.access.permissions import ACTIONS, FOLDER_ACTIONS
from app.api.callers import caller, needs
from app.api.v1.blueprint import Part, Strict
from app.api.v1.moments import within_calendar
from app.api.v1.reports import BY_ID, PathSchema, ReachedFolderSchema
from app.lists.paging import LONGEST_PAGE

part = Part("past", __name__, url_prefix="/past", description="Who could reach what, once.")


class PastQuery(Strict):
    at = fields.AwareDateTime(required=True, validate=within_calendar)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_PAGE))


class PastPeopleQuery(PastQuery):
    cursor = fields.String(
        validate=BY_ID, metadata={"description": "`next` of the page before; none: the first."}
    )


class PastFolderQuery(PastPeopleQuery):
    action = fields.String(
        load_default="folder.view", validate=validate.OneOf(sorted(FOLDER_ACTIONS))
    )


class PastAccountQuery(PastPeopleQuery):
    action = fields.String(required=True, validate=validate.OneOf(sorted(ACTIONS - FOLDER_ACTIONS)))


class PastPersonSchema(Schema):
    user_id = fields.String(required=True)
    user_name = fields.String(required=True)
    because = fields.List(fields.Nested(PathSchema), required=True)


class PastPeopleSchema(Schema):
    """Who could do something then, page by page."""

    at = fields.AwareDateTime(required=True)
    action = fields.String(required=True)
    path = fields.String(
        required=True, allow_none=True, metadata={"description": "The path the folder had then."}
    )
    people = fields.List(fields.Nested(PastPersonSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class PastAccessSchema(Schema):
    """What somebody could reach then."""

    at = fields.AwareDateTime(required=True)
    user_id = fields.String(required=True)
    user_name = fields.String(required=True)
    active = fields.Boolean(required=True)
    account_roles = fields.List(fields.Nested(PathSchema), required=True)
    folders = fields.List(fields.Nested(ReachedFolderSchema), required=True)
    truncated = fields.Boolean(
        required=True,
        metadata={"description": "Whether there were more; then it is those further up."},
    )


@part.get("/users/<user_id>/access")
@needs("report.view")
@part.arguments(PastQuery, location="query")
@part.response(200, PastAccessSchema)
def access_of_user(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Report what a user could reach at a time, also one that was deleted since."""
    at = query["at"]
    found = what_could(caller().account_id, user_id, at, limit=query["limit"])
    return {
        "at": at,
        "user_id": found.user_id,
        "user_name": found.user_name,
        "active": found.active,
        "account_roles": [each.as_data() for each in found.account_roles],
        "folders": found.folders,
        "truncated": found.truncated,
    }


@part.get("/folders/<folder_id>/access")
@needs("report.view")
@part.arguments(PastFolderQuery, location="query")
@part.response(200, PastPeopleSchema)
def access_to_folder(query: dict[str, Any], folder_id: str) -> dict[str, Any]:
    """Report who could do something on a folder at a time, also one that was deleted since."""
    return _people(query, folder_id)


@part.get("/account/access")
@needs("report.view")
@part.arguments(PastAccountQuery, location="query")
@part.response(200, PastPeopleSchema)
def access_to_account(query: dict[str, Any]) -> dict[str, Any]:
    """Report who could do something on the account at a time, such as `user.manage`."""
    return _people(query, None)


def _people(query: dict[str, Any], folder_id: str | None) -> dict[str, Any]:
    found: WhoCould = who_could(
        caller().account_id,
        query["action"],
        folder_id,
        query["at"],
        after=query.get("cursor", ""),
        limit=query["limit"],
    )
    return {
        "at": query["at"],
        "action": query["action"],
        "path": found.folder_path,
        "people": [
            {
                "user_id": each.user_id,
                "user_name": each.user_name,
                "because": [given.as_data() for given in each.because],
            }
            for each in found.people
        ],
        "next": found.people[-1].user_id if found.truncated else None,
    }
