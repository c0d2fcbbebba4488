"""``/grants``: who holds which role where.

Who may share a folder sees, gives and takes back the grants on it, without a role on the account.
A grant on a folder they may not see does not exist for them.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate
from werkzeug.exceptions import Forbidden

from app.api.callers import Caller, caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.moments import within_calendar
from app.api.v1.references import PRINCIPALS, NamedSchema, PlacedSchema, PrincipalSchema
from app.api.v1.writing import etag, expected_version, post, writing
from app.directory import grants
from app.directory.errors import NotFound, existing
from app.directory.work import Work
from app.lists import grants as lists
from app.lists.grants import ORIGINS, STATES, GrantFilter

part = Part("grants", __name__, url_prefix="/grants", description="Who holds which role where.")

SHARING = "folder.share"
BY_ID = validate.Length(1, 36)


class GrantSchema(Schema):
    id = fields.String(required=True)
    principal = fields.Nested(PrincipalSchema, required=True)
    role = fields.Nested(NamedSchema, required=True)
    folder = fields.Nested(
        PlacedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: it is on the account."},
    )
    origin = fields.String(required=True, validate=validate.OneOf(ORIGINS))
    mapping_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The mapping that gave it."}
    )
    external_id = fields.String(required=True, allow_none=True)
    granted_by = fields.String(required=True)
    reason = fields.String(required=True)
    not_before = fields.AwareDateTime(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={"description": "later: not_before lies ahead; over: expires_at has passed."},
    )
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "null: not since it was made."}
    )


class GrantQuery(ListQuery):
    user = fields.String(
        validate=BY_ID,
        metadata={"description": "Id of the user they were given to, not through a group."},
    )
    group = fields.String(
        validate=BY_ID, metadata={"description": "Id of the group they were given to."}
    )
    folder = fields.String(
        validate=BY_ID,
        metadata={"description": "Id of the folder they were given on, not above it."},
    )
    role = fields.String(validate=BY_ID)
    origin = fields.String(validate=validate.OneOf(ORIGINS))
    expiring_before = fields.AwareDateTime(
        validate=within_calendar,
        metadata={"description": "With state=in_force: those that will have ended by then."},
    )
    state = fields.String(validate=validate.OneOf(STATES))


class NewPrincipal(Strict):
    type = fields.String(required=True, validate=validate.OneOf(PRINCIPALS))
    id = fields.String(required=True, validate=BY_ID)


class GrantChange(Strict):
    reason = fields.String(validate=validate.Length(0, 1024))
    not_before = fields.AwareDateTime(
        allow_none=True, validate=within_calendar, metadata={"description": "null: at once."}
    )
    expires_at = fields.AwareDateTime(
        allow_none=True, validate=within_calendar, metadata={"description": "null: never."}
    )


class NewGrant(GrantChange):
    principal = fields.Nested(NewPrincipal, required=True)
    role_id = fields.String(required=True, validate=BY_ID)
    folder_id = fields.String(
        allow_none=True,
        validate=BY_ID,
        metadata={"description": "null: on the account, for roles of that scope."},
    )


@part.get("")
@needs(None)
@part.arguments(GrantQuery, location="query")
@part.response(200, page_schema(GrantSchema))
def list_grants(query: dict[str, Any]) -> dict[str, Any]:
    """List grants, the oldest first. Needs `user.view`, or `folder.share` on `folder`."""
    who = caller()
    if not who.may("user.view"):
        if "folder" not in query:
            raise Forbidden("This needs the permission user.view, or a folder that you share.")
        who.must(SHARING, query["folder"])
    page = {name: query.pop(name, None) for name in ("cursor", "limit")}
    return plain(lists.listed(who.account_id, GrantFilter(**query), **page))


@part.post("")
@previewable
@needs(None)
@part.arguments(NewGrant)
@part.response(201, GrantSchema)
def create_grant(body: dict[str, Any]) -> Any:
    """Give a role. Needs `role.assign`, or `folder.share` on the folder, and all that it permits.

    Who holds it already, given by hand, has these terms from then on.
    """
    who = caller()
    principal, role_id = body.pop("principal"), body.pop("role_id")
    folder_id = body.pop("folder_id", None)
    if folder_id is not None:
        who.must(SHARING, folder_id)
    elif not who.may("role.assign"):
        raise Forbidden("This needs the permission role.assign.")

    def give(work: Work) -> dict[str, Any]:
        to = grants.principal_with_id(work.account_id, principal["id"], principal["type"])
        return read(work.account_id, grants.give(work, to, role_id, folder_id, **body).id)

    return post(give, GrantSchema(), lambda grant: f"/api/v1/grants/{grant['id']}")


@part.get("/<grant_id>")
@needs(None)
@part.response(200, GrantSchema)
def show_grant(grant_id: str) -> Any:
    """Show a grant. Needs `user.view`, or `folder.share` on its folder."""
    grant = _shared(caller(), grant_id, "user.view")
    return grant, etag(grant)


@part.patch("/<grant_id>")
@previewable
@needs(None)
@part.arguments(GrantChange)
@part.response(200, GrantSchema)
def change_grant(body: dict[str, Any], grant_id: str) -> Any:
    """Change why or when a grant holds. Needs what giving it needs."""
    with writing() as work:
        stored = _shared(caller(), grant_id, "role.assign")
        kept = ("reason", "not_before", "expires_at", "external_id")
        terms = {name: stored[name] for name in kept} | body
        grants.change(work, grant_id, expected_version=expected_version(), **terms)
        grant = read(work.account_id, grant_id)
    return grant, etag(grant)


@part.delete("/<grant_id>")
@previewable
@needs(None)
@part.response(204)
def revoke_grant(grant_id: str) -> None:
    """Take a role back. Needs what giving it needs."""
    with writing() as work:
        _shared(caller(), grant_id, "role.assign")
        grants.revoke(work, grant_id, expected_version=expected_version())


def read(account_id: str, grant_id: str) -> dict[str, Any]:
    """Return what is shown of a grant.

    :raises NotFound: When the account has no such grant.
    """
    return existing(lists.one(account_id, grant_id), "grant", grant_id)


def _shared(who: Caller, grant_id: str, everywhere: str) -> dict[str, Any]:
    """Return what is shown of a grant to who may share its folder.

    :param everywhere: The permission on the account with which any grant can be had.
    :raises NotFound: When there is none, or none that the caller may know of.
    :raises Forbidden: When they see it, or its folder, and may do no more.
    """
    grant = read(who.account_id, grant_id)
    folder_id = grant["folder"] and grant["folder"]["id"]
    if who.may(everywhere) or (folder_id and who.may(SHARING, folder_id)):
        return grant
    if who.may("user.view") or (folder_id and who.may("folder.view", folder_id)):
        raise Forbidden(f"This needs the permission {everywhere}, or {SHARING} on its folder.")
    raise NotFound("grant", grant_id)
