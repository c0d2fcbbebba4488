"""Who can reach what: of one person, of one folder, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, validate

from app.access.decisions import account_roles
from app.access.explanation import explain
from app.access.folders import folders_visible_to, paths_of
from app.access.grants import HeldGrant
from app.access.permissions import ACTIONS, FOLDER_ACTIONS
from app.access.who import who_can
from app.api.callers import caller, needs
from app.api.v1.blueprint import Part, Strict
from app.api.v1.references import NamedSchema, PlacedSchema
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


class _GrantMembers(Schema):
    """What is shown of a grant, but its times."""

    grant_id = fields.String(required=True)
    role = fields.Nested(NamedSchema, required=True)
    folder = fields.Nested(
        PlacedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Where it was given; null: on the account."},
    )
    group = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The group it was given to; null: the person."},
    )
    origin = fields.String(required=True)
    granted_by = fields.String(required=True)
    reason = fields.String(required=True)


class WaySchema(_GrantMembers):
    """One grant, and how it comes to somebody."""

    granted_at = fields.AwareDateTime(required=True)
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


class ExplanationQuery(Strict):
    action = fields.String(required=True, validate=validate.OneOf(sorted(ACTIONS)))
    folder_id = fields.String(
        validate=BY_ID, metadata={"description": "None for actions on the account."}
    )


class PathSchema(_GrantMembers):
    """One grant, with the chain of groups it comes through."""

    through = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Names of the groups, the person's own first."},
    )
    granted_at = fields.String(required=True, metadata={"format": "date-time"})
    not_before = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class ObstacleSchema(Schema):
    kind = fields.String(required=True)
    sentence = fields.String(required=True)
    grant = fields.Nested(PathSchema, required=True, allow_none=True)


class ExplanationSchema(Schema):
    """A decision, with all that decides it, or all that is in the way."""

    allowed = fields.Boolean(required=True)
    action = fields.String(required=True)
    user_id = fields.String(required=True)
    folder = fields.Nested(PlacedSchema, required=True, allow_none=True)
    because = fields.List(fields.Nested(PathSchema), required=True)
    missing = fields.List(fields.Nested(ObstacleSchema), required=True)
    sentences = fields.List(fields.String(), required=True)


@part.get("/users/<user_id>/explanation")
@needs("report.view")
@part.arguments(ExplanationQuery, location="query")
@part.response(200, ExplanationSchema)
def why(query: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Explain why a user may do something, or what is missing."""
    account_id, folder_id = caller().account_id, query.get("folder_id")
    if user_lists.one(account_id, user_id) is None:
        raise NotFound("user", user_id)
    if folder_id is not None and folder_lists.one(account_id, folder_id) is None:
        raise NotFound("folder", folder_id)
    return explain(account_id, user_id, query["action"], folder_id).as_data() | {"user_id": user_id}


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
        "account_roles": _ways(account_id, [account_roles(account_id, user_id)])[0],
        "folders": sorted(shown, key=lambda folder: folder.path),
        "next": shown[-1].id if len(found) > limit else None,
    }


def _people(account_id: str, folder_id: str | None, query: dict[str, Any]) -> dict[str, Any]:
    limit = query["limit"]
    found = who_can(
        account_id, query["action"], folder_id, after=query.get("cursor"), limit=limit + 1
    )
    shown = found[:limit]
    ways = _ways(account_id, [each.because for each in shown])
    people = [
        {"user_id": each.user_id, "user_name": each.user_name, "because": because}
        for each, because in zip(shown, ways, strict=True)
    ]
    more = people[-1]["user_id"] if len(found) > limit else None
    return {"action": query["action"], "people": people, "next": more}


def _ways(account_id: str, held: Sequence[Sequence[HeldGrant]]) -> list[list[dict[str, Any]]]:
    """Return lists of grants as they are shown. The paths of all are asked for at once."""
    folder_ids = {each.folder_id for grants in held for each in grants if each.folder_id}
    paths = paths_of(account_id, folder_ids)
    return [[_way(each, paths) for each in grants] for grants in held]


def _way(grant: HeldGrant, paths: dict[str, str]) -> dict[str, Any]:
    folder, group = grant.folder_id, grant.group_id
    return {
        "grant_id": grant.id,
        "role": {"id": grant.role_id, "name": grant.role_name},
        "folder": {"id": folder, "path": paths[folder]} if folder else None,
        "group": {"id": group, "name": grant.group_name} if group else None,
        "origin": grant.origin,
        "granted_by": grant.granted_by,
        "granted_at": grant.created_at,
        "reason": grant.reason,
        "not_before": grant.not_before,
        "expires_at": grant.expires_at,
    }
