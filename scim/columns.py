"""Where each SCIM attribute lives in the tables, for filters and sorting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from scim2_models import AttributeBinding, InvalidFilterException
from sqlalchemy import (
    ColumnElement,
    Exists,
    Integer,
    Select,
    String,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.orm import aliased

from app.store.functions import comparison_key
from app.store.models import Group, Membership, NestedGroup, User, UserValue
from scim.schemas import GROUP, USER

Kind = Literal["folded", "text", "exact", "boolean", "time", "binary", "nothing"]


@dataclass(frozen=True)
class Field:
    """One single value in SQL, NULL when there is none.

    ``kind`` says how it compares: ``folded`` is a comparison key already, ``text`` must be made
    one, ``exact`` compares as it stands, ``nothing`` is never there.
    """

    expression: Any
    kind: Kind
    indexed: ColumnElement[Any] | None = None
    """A column holding the first 256 characters of the comparison key, with an index."""

    @property
    def comparable(self) -> ColumnElement[Any]:
        """The expression in the form comparisons use."""
        found: ColumnElement[Any] = self.expression
        return comparison_key(found) if self.kind == "text" else found


NOTHING = Field(cast(null(), String), "nothing")


@dataclass(frozen=True)
class Entries:
    """The values of a multi-valued attribute: rows, each with sub-attributes."""

    sub_attribute: Callable[[str], Field]
    having: Callable[[ColumnElement[bool]], Exists]
    """EXISTS over the rows that meet a condition."""


def single(binding: AttributeBinding) -> Field:
    """Return where a single-valued attribute of a User or Group lives.

    :raises InvalidFilterException: When it cannot be searched.
    """
    table: Any = Group if binding.urn.startswith(f"{GROUP}:") else User
    name, sub = _names(binding)
    if name == "meta":
        return _meta(table, sub)
    column = _COLUMNS.get((table, name))
    if column is not None and sub is None:
        return column
    if name == "password":
        return NOTHING
    steps = [name] if sub is None else [name, sub]
    if not binding.urn.startswith((f"{USER}:", f"{GROUP}:")):
        steps.insert(0, str(binding.model.__schema__))  # type: ignore[attr-defined]
    return Field(_json(table.attributes, steps), "exact" if binding.case_exact else "text")


def entries(binding: AttributeBinding, account_id: str) -> list[Entries]:
    """Return where the values of a multi-valued attribute live: one or two sets of rows."""
    name, _ = _names(binding)
    if binding.urn.startswith(f"{GROUP}:") and name == "members":
        return [_member_users(account_id), _member_groups(account_id)]
    if name == "groups":
        return [_groups_of_user(account_id)]
    if name == "schemas":
        raise InvalidFilterException(detail="'schemas' cannot be searched")
    return [_user_values(name)]


def primary_value(binding: AttributeBinding) -> Field:
    """Return the value a multi-valued attribute sorts by: the primary one, or else the first."""
    name, sub = _names(binding)
    if name not in _SORTABLE_LISTS:
        return NOTHING
    row = aliased(UserValue)
    field = _value_field(row, sub or "value", name)
    chosen = (
        select(field.comparable)
        .where(row.account_id == User.account_id, row.user_id == User.id, row.attribute == name)
        .order_by(case((row.primary.is_(True), 0), else_=1), row.position)
        .limit(1)
        .scalar_subquery()
    )
    return Field(chosen, "exact")


_COLUMNS: dict[tuple[Any, str], Field] = {
    (User, "id"): Field(User.id, "exact"),
    (User, "userName"): Field(User.user_name_key, "folded"),
    (User, "externalId"): Field(User.external_id, "exact"),
    (User, "displayName"): Field(User.display_name_key, "folded"),
    (User, "active"): Field(User.active, "boolean"),
    (Group, "id"): Field(Group.id, "exact"),
    (Group, "externalId"): Field(Group.external_id, "exact"),
    (Group, "displayName"): Field(Group.display_name_key, "folded"),
}

_SORTABLE_LISTS = frozenset(
    {"emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles"}
)


def _meta(table: Any, sub: str | None) -> Field:
    name = "User" if table is User else "Group"
    if sub == "created":
        return Field(table.created_at, "time")
    if sub == "lastModified":
        return Field(table.updated_at, "time")
    if sub == "resourceType":
        return Field(literal(name), "exact")
    if sub == "version":
        return Field('W/"' + cast(table.version, String) + '"', "exact")
    return NOTHING


def _names(binding: AttributeBinding) -> tuple[str, str | None]:
    """Return the SCIM names of an attribute and of its sub-attribute."""
    path = binding.urn.rsplit(":", 1)[-1]
    name, _, sub = path.partition(".")
    return name, sub or None


def _json(column: Any, steps: list[str]) -> ColumnElement[Any]:
    for step in steps:
        column = column[step]
    found: ColumnElement[Any] = column.as_string()
    return found


def _user_values(name: str) -> Entries:
    row = aliased(UserValue)

    def having(condition: ColumnElement[bool]) -> Exists:
        return exists().where(
            row.account_id == User.account_id,
            row.user_id == User.id,
            row.attribute == name,
            condition,
        )

    return Entries(lambda sub: _value_field(row, sub, name), having)


def _value_field(row: Any, sub: str, name: str) -> Field:
    if sub == "value":
        if name == "x509Certificates":
            return Field(row.value, "binary")
        return Field(row.value, "text", indexed=row.value_key)
    if sub in ("type", "display"):
        return Field(getattr(row, sub), "text")
    if sub == "primary":
        return Field(row.primary, "boolean")
    return Field(_json(row.extra, [sub]), "text")


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

    def having(condition: ColumnElement[bool]) -> Exists:
        return exists().where(row.account_id == account_id, row.group_id == Group.id, condition)

    return Entries(lambda sub: fields.get(sub, NOTHING), having)


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
    kind = case((reach.c.nested == 0, "direct"), else_="indirect")
    fields = {
        "value": Field(group.id, "exact"),
        "display": Field(group.display_name_key, "folded"),
        "type": Field(kind, "folded"),
    }

    def having(condition: ColumnElement[bool]) -> Exists:
        return exists().where(
            row.account_id == account_id,
            row.user_id == User.id,
            reach.c.inner == row.group_id,
            group.account_id == account_id,
            group.id == reach.c.root,
            condition,
        )

    return Entries(lambda sub: fields.get(sub, NOTHING), having)
