"""``/roles`` and ``/permissions``: what roles there are, and what each permits."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.access.permissions import (
    ACCOUNT_ROLES,
    ACTIONS,
    BUILT_IN,
    DESCRIPTIONS,
    FOLDER_ACTIONS,
    FOLDER_ROLES,
)
from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import etag, expected_version, post, writing
from app.directory import roles
from app.directory.errors import existing
from app.lists import roles as lists

part = Part("roles", __name__, description="Roles, and what they permit.")


def _actions(**options: Any) -> fields.List[Any]:
    return fields.List(fields.String(validate=validate.OneOf(sorted(ACTIONS))), **options)


class RoleSchema(Schema):
    id = fields.String(required=True)
    scope = fields.String(
        required=True,
        validate=validate.OneOf(list(BUILT_IN)),
        metadata={"description": "Whether it is given on the account or on folders."},
    )
    name = fields.String(required=True)
    description = fields.String(required=True)
    permissions = _actions(required=True)
    built_in = fields.Boolean(required=True, metadata={"description": "Then it stays as it is."})
    requires_second_factor = fields.Boolean(
        required=True, metadata={"description": "Who holds it signs in with a second factor."}
    )
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "null: not since it was made."}
    )


class RoleQuery(ListQuery):
    scope = fields.String(validate=validate.OneOf(list(BUILT_IN)))


class NewRole(Strict):
    scope = fields.String(required=True, validate=validate.OneOf(list(BUILT_IN)))
    name = fields.String(required=True, validate=validate.Length(1, 256))
    permissions = _actions(required=True, validate=validate.Length(max=len(ACTIONS)))
    description = fields.String(load_default="", validate=validate.Length(0, 1024))


class RoleChange(Strict):
    name = fields.String(validate=validate.Length(1, 256))
    permissions = _actions(
        validate=validate.Length(max=len(ACTIONS)),
        metadata={"description": "All of them: those left out are taken from who holds the role."},
    )
    description = fields.String(validate=validate.Length(0, 1024))
    requires_second_factor = fields.Boolean(
        metadata={
            "description": "Of a built-in role too. true ends the sessions of those who hold it "
            "that were opened without one."
        }
    )


class ActionSchema(Schema):
    action = fields.String(required=True)
    description = fields.String(required=True)
    scope = fields.String(
        required=True,
        validate=validate.OneOf(list(BUILT_IN)),
        metadata={"description": "folder: roles on folders can permit it too."},
    )
    account_roles = fields.List(
        fields.String(validate=validate.OneOf(list(ACCOUNT_ROLES))),
        required=True,
        metadata={"description": "The built-in roles on the account that permit it."},
    )
    folder_roles = fields.List(
        fields.String(validate=validate.OneOf(list(FOLDER_ROLES))),
        required=True,
        metadata={"description": "The built-in roles on folders that permit it."},
    )


class MatrixSchema(Schema):
    items = fields.List(fields.Nested(ActionSchema), required=True)


@part.get("/roles")
@needs("user.view")
@part.arguments(RoleQuery, location="query")
@part.response(200, page_schema(RoleSchema))
def list_roles(query: dict[str, Any]) -> dict[str, Any]:
    """List roles by name, with what they permit."""
    return plain(lists.listed(caller().account_id, **query))


@part.post("/roles")
@previewable
@needs("role.manage")
@part.arguments(NewRole)
@part.response(201, RoleSchema)
def create_role(body: dict[str, Any]) -> Any:
    """Add a role of the account's own. It permits at most what the caller may do."""
    return post(
        lambda work: read(work.account_id, roles.create(work, **body)),
        RoleSchema(),
        lambda role: f"/api/v1/roles/{role['id']}",
    )


@part.get("/roles/<role_id>")
@needs("user.view")
@part.response(200, RoleSchema)
def show_role(role_id: str) -> Any:
    """Show a role."""
    role = read(caller().account_id, role_id)
    return role, etag(role)


@part.patch("/roles/<role_id>")
@previewable
@needs("role.manage")
@part.arguments(RoleChange)
@part.response(200, RoleSchema)
def change_role(body: dict[str, Any], role_id: str) -> Any:
    """Change what is given of a role. It counts at once for all who hold it."""
    required = body.pop("requires_second_factor", None)
    with writing() as work:
        stored, version = read(work.account_id, role_id), expected_version()
        if body or required is None:
            wanted = {name: stored[name] for name in ("name", "permissions", "description")} | body
            roles.replace(work, role_id, expected_version=version, **wanted)
            version = None  # what follows belongs to the same change
        if required is not None:
            roles.require_second_factor(work, role_id, required, expected_version=version)
        role = read(work.account_id, role_id)
    return role, etag(role)


@part.delete("/roles/<role_id>")
@previewable
@needs("role.manage")
@part.response(204)
def delete_role(role_id: str) -> None:
    """Delete a role that nobody holds and no mapping gives."""
    with writing() as work:
        roles.delete(work, role_id, expected_version=expected_version())


@part.get("/permissions")
@needs(None)
@part.response(200, MatrixSchema)
def list_permissions() -> dict[str, Any]:
    """List all actions, and which built-in roles permit them."""
    return {
        "items": [
            {
                "action": action,
                "description": description,
                "scope": "folder" if action in FOLDER_ACTIONS else "account",
                "account_roles": [each for each in ACCOUNT_ROLES if action in ACCOUNT_ROLES[each]],
                "folder_roles": [each for each in FOLDER_ROLES if action in FOLDER_ROLES[each]],
            }
            for action, description in DESCRIPTIONS.items()
        ]
    }


def read(account_id: str, role_id: str) -> dict[str, Any]:
    """Return what is shown of a role.

    :raises NotFound: When the account has no such role.
    """
    return existing(lists.one(account_id, role_id), "role", role_id)
