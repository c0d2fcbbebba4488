"""The groups of an account, and who is in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all

from app.access.matrix import holding
from app.access.membership import groups_containing
from app.lists.paging import Column, Order, Page, page_of
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import Connection, Group, Membership, NestedGroup, User

ORDERS = {
    "display_name": Order("display_name", Group.display_name_key, Group.id),
    "created_at": Order("created_at", Group.id, Group.id),  # ids are in the order of creation
}


@dataclass(frozen=True, kw_only=True)
class GroupFilter:
    """Which groups are wanted; what is None is not asked."""

    prefix: str | None = None
    """How their displayName begins, in any case."""
    origin: str | None = None
    """``manual``, ``scim`` or ``saml``."""
    user: str | None = None
    """Id of a user who is in them, directly or through groups."""
    external_id: str | None = None
    member: str | None = None
    """Id of a group that is in them directly."""
    holding: str | None = None
    """Id of a folder: they have something on it or below it, also through groups around them."""


def listed(
    account_id: str,
    wanted: GroupFilter,
    *,
    order: str = "display_name",
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of groups.

    :param order: Of ``ORDERS``.
    :raises BadCursor: When the cursor is none of this list.
    """
    by = replace(ORDERS[order], descending=descending)
    query = _query(account_id).where(*_conditions(account_id, wanted))
    return page_of(
        query, by, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, group_id: str) -> dict[str, Any] | None:
    """Return what is shown of one group, with how many are in it; None where there is none."""
    row = db.session.execute(_query(account_id).where(Group.id == group_id)).first()
    if row is None:
        return None
    return _document(row) | {
        "users": _size(account_id, group_id, Membership),
        "groups": _size(account_id, group_id, NestedGroup),
    }


def members(
    account_id: str, group_id: str, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of the users and groups that are in a group directly, by their ids.

    :raises BadCursor: When the cursor is none of this list.
    """
    # Without their names it is read from the keys alone, however many are in the group.
    inside = union_all(
        *(
            select(literal(type_).label("type"), column.label("id")).where(
                table.account_id == account_id, table.group_id == group_id
            )
            for type_, table, column in (
                ("user", Membership, Membership.user_id),
                ("group", NestedGroup, NestedGroup.member_id),
            )
        )
    ).subquery()
    by_id = cast(Column, inside.c.id)
    order = Order("id", by_id, by_id)
    query: Select[*tuple[Any, ...]] = select(inside)
    return page_of(query, order, lambda rows: _named(account_id, rows), cursor=cursor, limit=limit)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Group.id,
            Group.display_name,
            Group.display_name_key,
            Group.external_id,
            Group.origin,
            Connection.name.label("connection"),
            Group.version,
            Group.created_at,
            Group.updated_at,
        )
        .outerjoin(
            Connection,
            (Connection.account_id == Group.account_id) & (Connection.id == Group.connection_id),
        )
        .where(Group.account_id == account_id)
    )


def _conditions(account_id: str, wanted: GroupFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.prefix:
        found.append(begins_with(Group.display_name_key, wanted.prefix))
    if wanted.origin is not None:
        found.append(Group.origin == wanted.origin)
    if wanted.user is not None:
        containing = groups_containing(account_id, wanted.user)
        found.append(Group.id.in_(select(containing.c.group_id)))
    if wanted.external_id is not None:
        found.append(Group.external_id == wanted.external_id)
    if wanted.member is not None:
        around = select(NestedGroup.group_id).where(
            NestedGroup.account_id == account_id, NestedGroup.member_id == wanted.member
        )
        found.append(Group.id.in_(around))
    if wanted.holding is not None:
        found.append(holding(account_id, wanted.holding))
    return found


def _document(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "display_name_key"}


def _size(account_id: str, group_id: str, table: type[Membership] | type[NestedGroup]) -> int:
    query = select(func.count()).where(table.account_id == account_id, table.group_id == group_id)
    return db.session.scalar(query) or 0


def _named(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    for type_, table, name in (
        ("user", User, User.user_name),
        ("group", Group, Group.display_name),
    ):
        ids = [row.id for row in rows if row.type == type_]
        query = select(table.id, name).where(table.account_id == account_id, table.id.in_(ids))
        names |= {row[0]: row[1] for row in db.session.execute(query)}
    return [{"type": row.type, "id": row.id, "name": names[row.id]} for row in rows]
