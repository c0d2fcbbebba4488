"""The User resource type, with its extensions."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from scim2_models import AttributeBinding, Resource
from sqlalchemy import ColumnElement, Integer, and_, case, cast, literal, select
from sqlalchemy.orm import aliased

from app.access.folders import folders_visible_to
from app.directory import account_role, users
from app.directory.profiles import value_entry
from app.directory.work import Work
from app.store.functions import json_found, json_text
from app.store.models import Group, Membership, NestedGroup, User, UserValue
from scim import plain, queries
from scim.casting import MULTI_VALUED, user_write
from scim.fields import NOTHING, Entries, Field, sub_name
from scim.projection import Document
from scim.rendering import View
from scim.resources.kind import Kind
from scim.schemas import ACCESS_USER, SEEN_FOLDERS, USER

_SORTABLE = MULTI_VALUED - {"x509Certificates"}


class UserKind(Kind):
    name = "User"
    schema = USER
    scope = "users"
    table = User
    modified = User.__table__.c.updated_at
    version = User.__table__.c.version
    document = User.__table__.c.attributes
    keeps_unknown = True
    heavy = "groups"
    kept_by_put = ("active", "AccessUser")
    unsearchable = frozenset({SEEN_FOLDERS})
    columns = {
        "id": Field(User.id, "exact"),
        "userName": Field(User.user_name_key, "folded"),
        "externalId": Field(User.external_id, "exact"),
        "displayName": Field(User.display_name_key, "folded"),
        "active": Field(User.active, "boolean"),
        "password": NOTHING,
        f"{ACCESS_USER}:accountRole": Field(queries.account_role_of_user(), "text"),
    }

    # -- Search -----------------------------------------------------------

    def entries(self, name: str, account_id: str) -> list[Entries]:
        if name == "groups":
            return [_groups_of_user(account_id)]
        return [_user_values(name, account_id)] if name in MULTI_VALUED else []

    def primary_value(self, name: str, binding: AttributeBinding) -> Field:
        if name not in _SORTABLE:
            return NOTHING
        row = aliased(UserValue)
        field = _value_field(row, sub_name(binding), name)
        chosen = (
            select(field.comparable)
            .where(row.account_id == User.account_id, row.user_id == User.id, row.attribute == name)
            .order_by(case((row.primary.is_(True), 0), else_=1), row.position)
            .limit(1)
            .scalar_subquery()
        )
        return Field(chosen, "exact")

    def uses(self, urn: str) -> ColumnElement[bool]:
        if urn == ACCESS_USER:
            return queries.account_role_of_user().is_not(None)
        return super().uses(urn) | json_found(User.attributes, urn)

    # -- Documents --------------------------------------------------------

    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        grouped = view.projection.keeps(USER, "groups")
        rows = {row.id: row for row in view.rows(queries.users(grouped), ids)}
        return self.rendered(view, [rows[each] for each in ids if each in rows])

    def rendered(self, view: View, rows: Sequence[Any]) -> list[Document]:
        groups = _groups_of(view, rows)
        with_folders = view.projection.requests(SEEN_FOLDERS)
        return [self._document(view, row, groups[row.id], with_folders) for row in rows]

    def _document(
        self, view: View, row: Any, groups: list[Document], with_folders: bool
    ) -> Document:
        attributes: Document = row.attributes
        if row.undeclared:
            attributes = row.undeclared | attributes
        if row.account_role is not None or with_folders:
            attributes = attributes | {ACCESS_USER: _access(view, row, with_folders)}
        extensions = [key for key in attributes if key.startswith("urn:")]
        document = view.head(self.name, [USER, *extensions], row)
        document["userName"] = row.user_name
        if row.display_name is not None:
            document["displayName"] = row.display_name
        if row.active is not None:
            document["active"] = row.active
        document.update(attributes)
        for value in sorted(row.values or (), key=_place):
            document.setdefault(value[0], []).append(value_entry(queries.Value.of(value)))
        if groups:
            document["groups"] = groups
        return document

    # -- Writes -----------------------------------------------------------

    def insert(self, work: Work, resource: Resource[Any]) -> str:
        write = user_write(resource)
        if write.profile.active is None:
            write.profile.active = True
        user_id = users.create(work, write.profile, password=write.password)
        if write.account_role is not None:
            account_role.assign(work, user_id, write.role_id(work.account_id))
        return user_id

    def plain(self, payload: dict[str, Any]) -> Any:
        return plain.user(payload)

    def add(self, work: Work, plain: Any) -> str:
        return users.create(work, plain)

    def write(self, work: Work, resource: Any, expected_version: int | None = None) -> None:
        write = user_write(resource)
        users.replace(
            work,
            resource.id,
            write.profile,
            password=write.password,
            expected_version=expected_version,
        )
        account_role.assign(work, resource.id, write.role_id(work.account_id))

    def apply(self, work: Work, resource_id: str, operations: list[Any]) -> bool:
        active = _switch(operations)
        if active is None:
            return False
        users.set_active(work, resource_id, active)
        return True

    def delete(self, work: Work, resource_id: str, expected_version: int | None = None) -> None:
        users.delete(work, resource_id, expected_version=expected_version)


def _switch(operations: list[Any]) -> bool | None:
    """Return what operations make of ``active``, the way providers let people in and out.

    None where they do anything else.
    """
    if len(operations) != 1 or not isinstance(operations[0], dict):
        return None
    said = dict(operations[0])
    if str(said.pop("op", "")).lower() not in ("add", "replace"):
        return None
    if said.pop("path", "active") != "active":
        return None
    value = said.pop("value", None)
    if "path" not in operations[0]:
        value = value["active"] if isinstance(value, dict) and value.keys() == {"active"} else None
    if isinstance(value, str):  # as Entra sends it
        value = {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) and not said else None


def _access(view: View, row: Any, with_folders: bool) -> Document:
    """Return the attributes of our own extension: the account role, and folders on request."""
    access: Document = {} if row.account_role is None else {"accountRole": row.account_role}
    if with_folders:
        access["folders"] = [
            {
                "value": folder.id,
                "$ref": view.location("Folder", folder.id),
                "display": folder.path,
                "type": role,
            }
            for folder in folders_visible_to(view.account_id, row.id)
            for role in folder.roles
        ]
    return access


_place = itemgetter(0, 1)
"""The attribute of a value, and its position."""


def _groups_of(view: View, rows: Sequence[Any]) -> dict[str, list[Document]]:
    """Return the groups of each user: direct ones, and those that contain them."""
    direct = {row.id: sorted(getattr(row, "groups", None) or ()) for row in rows}
    base = view.location("Group", "")
    # A list, and the document written out: there are hundreds on a page.
    if not [group_id for groups in direct.values() for group_id, _, nested in groups if nested]:
        return {
            user_id: [
                {"value": group_id, "$ref": base + group_id, "display": name, "type": "direct"}
                for group_id, name, _ in groups
            ]
            for user_id, groups in direct.items()
        }
    found: dict[str, list[Document]] = {user_id: [] for user_id in direct}
    for row in view.rows(queries.groups_of_users, list(direct)):
        kind = "indirect" if row.depth else "direct"
        shown = {"value": row.id, "$ref": base + row.id, "display": row.display_name, "type": kind}
        found[row.user_id].append(shown)
    return found


def _user_values(name: str, account_id: str) -> Entries:
    row = aliased(UserValue)

    def having(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        # By what the rows hold, and not user by user: then an index finds them.
        return User.id.in_(
            select(row.user_id).where(
                row.account_id == account_id, row.attribute == name, condition
            )
        )

    return Entries(lambda binding: _value_field(row, sub_name(binding), name), having)


def _value_field(row: Any, sub: str, name: str) -> Field:
    if sub == "value":
        if name == "x509Certificates":
            return Field(row.value, "binary")
        return Field(row.value, "text", indexed=row.value_key)
    if sub in ("type", "display"):
        return Field(getattr(row, sub), "text")
    if sub == "primary":
        return Field(row.primary, "boolean")
    return Field(json_text(row.extra, sub), "text")


def _groups_of_user(account_id: str) -> Entries:
    """Return the groups of a user: a group reaches its members, and those of groups in it."""
    reach = (
        select(Group.id.label("root"), Group.id.label("inner"), literal(0).label("nested"))
        .where(Group.account_id == account_id)
        .cte(recursive=True)
    )
    reach = reach.union(
        select(reach.c.root, NestedGroup.member_id, cast(1, Integer)).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == reach.c.inner
        )
    )
    row, group = aliased(Membership), aliased(Group)
    fields = {
        "value": Field(group.id, "exact"),
        "display": Field(group.display_name_key, "folded"),
        "type": Field(case((reach.c.nested == 0, "direct"), else_="indirect"), "folded"),
    }

    joined = (
        select(row.user_id)
        .select_from(row)
        .join(reach, reach.c.inner == row.group_id)
        .join(group, and_(group.account_id == account_id, group.id == reach.c.root))
        .where(row.account_id == account_id)
    )

    def having(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return User.id.in_(joined.where(condition))

    return Entries(lambda binding: fields.get(sub_name(binding), NOTHING), having)
