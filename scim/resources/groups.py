"""The Group resource type. Its members are written apart: see ``scim.members``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from scim2_models import Resource
from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import aliased

from app.directory import groups, memberships
from app.directory.work import Work
from app.store.functions import json_found
from app.store.models import Group, Membership, NestedGroup, User
from scim import plain, queries
from scim.casting import group_profile
from scim.fields import NOTHING, Entries, Field, sub_name
from scim.projection import Document
from scim.rendering import View
from scim.resources.kind import Kind
from scim.schemas import GROUP, MEMBER_NAMES


class GroupKind(Kind):
    name = "Group"
    schema = GROUP
    scope = "groups"
    table = Group
    modified = Group.__table__.c.updated_at
    version = Group.__table__.c.version
    document = Group.__table__.c.attributes
    has_members = True
    keeps_unknown = True
    heavy = "members"
    columns = {
        "id": Field(Group.id, "exact"),
        "externalId": Field(Group.external_id, "exact"),
        "displayName": Field(Group.display_name_key, "folded"),
    }

    # -- Search -----------------------------------------------------------

    def entries(self, name: str, account_id: str) -> list[Entries]:
        if name != "members":
            return []
        return [_member_users(account_id), _member_groups(account_id)]

    def uses(self, urn: str) -> ColumnElement[bool]:
        return super().uses(urn) | json_found(Group.attributes, urn)

    # -- Documents --------------------------------------------------------

    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        rows = {row.id: row for row in view.rows(queries.groups, ids)}
        return self.rendered(view, [rows[each] for each in ids if each in rows])

    def rendered(self, view: View, rows: Sequence[Any]) -> list[Document]:
        ids = [row.id for row in rows]
        shown = ids and view.projection.keeps(GROUP, "members")
        members = _members_of(view, ids) if shown else {}
        return [self._document(view, row, members.get(row.id)) for row in rows]

    def _document(self, view: View, row: Any, members: list[Document] | None) -> Document:
        attributes = (row.undeclared or {}) | row.attributes
        extensions = [key for key in attributes if key.startswith("urn:")]
        document = view.head(self.name, [GROUP, *extensions], row)
        document["displayName"] = row.display_name
        document.update(attributes)
        if members:
            document["members"] = members
        return document

    # -- Writes -----------------------------------------------------------

    def insert(self, work: Work, resource: Resource[Any]) -> str:
        group_id = groups.create(work, group_profile(resource))
        memberships.add(work, group_id, member_ids(resource))
        return group_id

    def plain(self, payload: dict[str, Any]) -> Any:
        return plain.group(payload)

    def add(self, work: Work, plain: Any) -> str:
        return groups.create(work, plain)

    def write(self, work: Work, resource: Any, expected_version: int | None = None) -> None:
        """Make a stored group what this one says, but for its members."""
        groups.replace(
            work, resource.id, group_profile(resource), expected_version=expected_version
        )

    def delete(self, work: Work, resource_id: str, expected_version: int | None = None) -> None:
        groups.delete(work, resource_id, expected_version=expected_version)


def member_ids(resource: Resource[Any]) -> list[str]:
    """Return the ids of the members a group resource lists."""
    members = getattr(resource, "members", None) or []
    return [member.value for member in members if member.value]


def _members_of(view: View, ids: Sequence[str]) -> dict[str, list[Document]]:
    """Return the members of each group: users, then groups, each in order of creation."""
    found: dict[str, list[Document]] = defaultdict(list)
    named, limit = view.projection.requests(MEMBER_NAMES), view.members_limit
    limits = {} if limit is None else {"limit": limit + 1}
    for kind, query in (
        ("User", queries.users_in_groups(named, bool(limits))),
        ("Group", queries.groups_in_groups(named, bool(limits))),
    ):
        for row in view.rows(query, ids, **limits):
            member = {"value": row.id, "$ref": view.location(kind, row.id), "type": kind}
            found[row.group_id].append(member | {"display": row.display} if named else member)
    if limit is not None:
        return {key: members for key, members in found.items() if len(members) <= limit}
    return found


def _member_users(account_id: str) -> Entries:
    row, user = aliased(Membership), aliased(User)
    name = select(func.coalesce(user.display_name, user.user_name)).where(
        user.account_id == account_id, user.id == row.user_id
    )
    return _members(account_id, row, row.user_id, "user", name)


def _member_groups(account_id: str) -> Entries:
    row, group = aliased(NestedGroup), aliased(Group)
    name = select(group.display_name).where(
        group.account_id == account_id, group.id == row.member_id
    )
    return _members(account_id, row, row.member_id, "group", name)


def _members(account_id: str, row: Any, member_id: Any, kind: str, name: Select[Any]) -> Entries:
    fields = {
        "value": Field(member_id, "exact"),
        "type": Field(literal(kind), "folded"),
        "display": Field(name.scalar_subquery(), "text"),
    }

    def having(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return Group.id.in_(select(row.group_id).where(row.account_id == account_id, condition))

    return Entries(lambda binding: fields.get(sub_name(binding), NOTHING), having)
