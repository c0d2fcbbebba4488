"""Who can reach what: of one person, of one folder, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from app.access.decisions import account_roles
from app.access.folders import folders_visible_to
from app.access.grants import HeldGrant
from app.access.permissions import ACTIONS, FOLDER_ACTIONS
from app.access.who import who_can
from app.api.callers import caller, needs
from app.api.v1.blueprint import Part, Strict
from app.directory.errors import NotFound
from app.lists import folders as folder_lists
from app.lists import users as user_lists
from app.lists.paging import LONGEST_PAGE

part = Part("reports", __name__, description="Who can reach what, and why.")

BY_ID = validate.Length(1, 36)


class ReportQuery(Strict):
    cursor = fields.String(
        validate=BY_ID, metadata={"description": "`next` of the page before; none: the first."}
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_PAGE))


class FolderReportQuery(ReportQuery):
    action = fields.String(
        load_default="folder.view", validate=validate.OneOf(sorted(FOLDER_ACTIONS))
    )


class AccountReportQuery(ReportQuery):
    action = fields.String(required=True, validate=validate.OneOf(sorted(ACTIONS - FOLDER_ACTIONS)))


class WaySchema(Schema):
    """One grant, and how it comes to somebody."""

    grant_id = fields.String(required=True)
    role = fields.String(required=True)
    folder_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: it is on the account."}
    )
    group = fields.String(
        required=True, allow_none=True, metadata={"description": "The group it was given to."}
    )
    origin = fields.String(required=True)
    granted_by = fields.String(required=True)
    reason = fields.String(required=True)
    not_before = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class ReachedFolderSchema(Schema):
    id = fields.String(required=True)
    path = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)


class UserAccessSchema(Schema):
    """What somebody may reach: the roles on the account, and folders page by page."""

    user_id = fields.String(required=True)
    user_name = fields.String(required=True)
    active = fields.Boolean(required=True)
    account_roles = fields.List(fields.Nested(WaySchema), required=True)
    folders = fields.List(fields.Nested(ReachedFolderSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class PersonSchema(Schema):
    user_id = fields.String(required=True)
    user_name = fields.String(required=True)
    because = fields.List(fields.Nested(WaySchema), required=True)


class PeopleSchema(Schema):
    """Who may do something, page by page."""

    action = fields.String(required=True)
    people = fields.List(fields.Nested(PersonSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@part.get("/users/<user_id>/access")
@needs("report.view")
@part.arguments(ReportQuery, location="query")
@part.response(200, UserAccessSchema)
def access_of_user(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Report what a user may reach."""
    return _access_of(caller().account_id, user_id, query)


@part.get("/me/access")
@needs(None)
@part.arguments(ReportQuery, location="query")
@part.response(200, UserAccessSchema)
def own_access(query: dict[str, Any]) -> dict[str, Any]:
    """Report what the person who calls may reach. A token is no person (404)."""
    who = caller()
    return _access_of(who.account_id, who.user_id or "", query)


@part.get("/folders/<folder_id>/access")
@needs(None)
@part.arguments(FolderReportQuery, location="query")
@part.response(200, PeopleSchema)
def access_to_folder(query: dict[str, Any], folder_id: str) -> dict[str, Any]:
    """Report who may do something on a folder. Needs `report.view`, or `folder.share` on it."""
    who = caller()
    if not who.may("report.view"):
        who.must("folder.share", folder_id)
    elif folder_lists.one(who.account_id, folder_id) is None:
        raise NotFound("folder", folder_id)
    return _people(who.account_id, folder_id, query)


@part.get("/account/access")
@needs("report.view")
@part.arguments(AccountReportQuery, location="query")
@part.response(200, PeopleSchema)
def access_to_account(query: dict[str, Any]) -> dict[str, Any]:
    """Report who may do something on the account, such as `user.manage`."""
    return _people(caller().account_id, None, query)


def _access_of(account_id: str, user_id: str, query: dict[str, Any]) -> dict[str, Any]:
    user = user_lists.one(account_id, user_id)
    if user is None:
        raise NotFound("user", user_id)
    limit = query["limit"]
    found = folders_visible_to(account_id, user_id, limit + 1, after=query.get("cursor"))
    shown = sorted(found, key=lambda folder: folder.id)[:limit]
    return {
        "user_id": user_id,
        "user_name": user["user_name"],
        "active": user["active"],
        "account_roles": _ways(account_roles(account_id, user_id)),
        "folders": sorted(shown, key=lambda folder: folder.path),
        "next": shown[-1].id if len(found) > limit else None,
    }


def _people(account_id: str, folder_id: str | None, query: dict[str, Any]) -> dict[str, Any]:
    limit = query["limit"]
    found = who_can(
        account_id, query["action"], folder_id, after=query.get("cursor"), limit=limit + 1
    )
    people = [
        {"user_id": each.user_id, "user_name": each.user_name, "because": _ways(each.because)}
        for each in found[:limit]
    ]
    more = people[-1]["user_id"] if len(found) > limit else None
    return {"action": query["action"], "people": people, "next": more}


def _ways(grants: Sequence[HeldGrant]) -> list[dict[str, Any]]:
    return [
        {
            "grant_id": each.id,
            "role": each.role_name,
            "folder_id": each.folder_id,
            "group": each.group_name,
            "origin": each.origin,
            "granted_by": each.granted_by,
            "reason": each.reason,
            "not_before": each.not_before,
            "expires_at": each.expires_at,
        }
        for each in grants
    ]
