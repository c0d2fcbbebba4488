"""``/groups``: groups, and who is in them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.references import PrincipalSchema
from app.api.v1.writing import etag, expected_version, post, writing
from app.directory import groups, members, memberships
from app.directory.errors import NotFound, existing
from app.directory.grants import principal_with_id
from app.directory.groups import GroupProfile
from app.lists import groups as lists
from app.lists.groups import GroupFilter

part = Part("groups", __name__, url_prefix="/groups", description="Groups of people.")

MEMBERS_AT_ONCE = 1_000


class GroupSchema(Schema):
    id = fields.String(required=True)
    display_name = fields.String(required=True)
    external_id = fields.String(required=True, allow_none=True)
    origin = fields.String(required=True, validate=validate.OneOf(["manual", "scim", "saml"]))
    connection = fields.String(
        required=True, allow_none=True, metadata={"description": "Who provisioned it, by name."}
    )
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class GroupWithSizeSchema(GroupSchema):
    users = fields.Integer(
        required=True, metadata={"description": "How many users are in it directly."}
    )
    groups = fields.Integer(
        required=True, metadata={"description": "How many groups are in it directly."}
    )


class MemberSchema(PrincipalSchema):
    """Who is in a group."""


class AddedSchema(Schema):
    added = fields.Integer(
        required=True, metadata={"description": "How many were not in the group before."}
    )


class GroupQuery(ListQuery):
    prefix = fields.String(
        validate=validate.Length(1, 512), metadata={"description": "How the name begins."}
    )
    origin = fields.String(validate=validate.OneOf(["manual", "scim", "saml"]))
    user = fields.String(
        validate=validate.Length(1, 36),
        metadata={"description": "Id of a user who is in them, also through groups."},
    )
    external_id = fields.String(validate=validate.Length(0, 256))
    sort = fields.String(
        load_default="display_name",
        validate=validate.OneOf([f"{sign}{name}" for name in lists.ORDERS for sign in ("", "-")]),
        metadata={"description": "A leading - turns it round."},
    )


class NewGroup(Strict):
    display_name = fields.String(required=True, validate=validate.Length(1, 512))
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))


class GroupChange(Strict):
    display_name = fields.String(validate=validate.Length(1, 512))
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))


class NewMembers(Strict):
    members = fields.List(
        fields.String(validate=validate.Length(1, 36)),
        required=True,
        validate=validate.Length(1, MEMBERS_AT_ONCE),
        metadata={"description": "Ids of users and of groups."},
    )


@part.get("")
@needs("group.view")
@part.arguments(GroupQuery, location="query")
@part.response(200, page_schema(GroupSchema))
def list_groups(query: dict[str, Any]) -> dict[str, Any]:
    """List groups."""
    sort = query.pop("sort")
    page = {name: query.pop(name, None) for name in ("cursor", "limit")}
    found = lists.listed(
        caller().account_id,
        GroupFilter(**query),
        order=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        **page,
    )
    return plain(found)


@part.post("")
@previewable
@needs("group.manage")
@part.arguments(NewGroup)
@part.response(201, GroupWithSizeSchema)
def create_group(body: dict[str, Any]) -> Any:
    """Add a group. Waiting mappings take effect."""
    return post(
        lambda work: read(work.account_id, groups.create(work, GroupProfile(**body))),
        GroupWithSizeSchema(),
        lambda group: f"/api/v1/groups/{group['id']}",
    )


@part.get("/<group_id>")
@needs("group.view")
@part.response(200, GroupWithSizeSchema)
def show_group(group_id: str) -> Any:
    """Show a group, with how many are in it."""
    group = read(caller().account_id, group_id)
    return group, etag(group)


@part.patch("/<group_id>")
@previewable
@needs("group.manage")
@part.arguments(GroupChange)
@part.response(200, GroupWithSizeSchema)
def change_group(body: dict[str, Any], group_id: str) -> Any:
    """Change what is given of a group. Mappings follow its new name."""
    with writing() as work:
        stored = groups.locked_row(work, group_id)
        profile = GroupProfile(stored.display_name, stored.external_id, stored.attributes)
        for name, value in body.items():
            setattr(profile, name, value)
        groups.replace(work, group_id, profile, expected_version=expected_version())
        group = read(work.account_id, group_id)
    return group, etag(group)


@part.delete("/<group_id>")
@previewable
@needs("group.manage")
@part.response(204)
def delete_group(group_id: str) -> None:
    """Delete a group with its grants. Who is in it stays."""
    with writing() as work:
        groups.delete(work, group_id, expected_version=expected_version())


@part.get("/<group_id>/members")
@needs("group.view")
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(MemberSchema))
def list_members(query: dict[str, Any], group_id: str) -> dict[str, Any]:
    """List the users and groups that are in a group directly."""
    account_id = caller().account_id
    read(account_id, group_id)
    return plain(lists.members(account_id, group_id, **query))


@part.post("/<group_id>/members")
@previewable
@needs("group.manage")
@part.arguments(NewMembers)
@part.response(200, AddedSchema)
def add_members(body: dict[str, Any], group_id: str) -> dict[str, int]:
    """Put users and groups into a group. Sent again, it adds nobody."""
    named = set(body["members"])
    with writing() as work:
        groups.locked_row(work, group_id, expected_version())
        before = members.present(work, group_id, named).ids()
        memberships.add(work, group_id, named)
    return {"added": len(named - before)}


@part.put("/<group_id>/members/<member_id>")
@previewable
@needs("group.manage")
@part.response(204)
def add_member(group_id: str, member_id: str) -> None:
    """Put a user or a group into a group, unless they are in it."""
    with writing() as work:
        groups.locked_row(work, group_id, expected_version())
        principal_with_id(work.account_id, member_id)
        memberships.add(work, group_id, [member_id])


@part.delete("/<group_id>/members/<member_id>")
@previewable
@needs("group.manage")
@part.response(204)
def remove_member(group_id: str, member_id: str) -> None:
    """Take a user or a group out of a group."""
    with writing() as work:
        groups.locked_row(work, group_id, expected_version())
        if not memberships.remove(work, group_id, [member_id]):
            raise NotFound("member", member_id)


def read(account_id: str, group_id: str) -> dict[str, Any]:
    """Return what is shown of a group.

    :raises NotFound: When the account has no such group.
    """
    return existing(lists.one(account_id, group_id), "group", group_id)
