"""The mappings of an account: what providers say, the roles it gives, and how each stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, null, or_, select

from app.access.folders import paths_of
from app.lists.paging import LONGEST_PAGE, Order, Page, page_of
from app.store.database import db
from app.store.models import Connection, Grant, Group, Mapping, Role

BY_MATCH = Order("match_value", Mapping.match_key, Mapping.id)


@dataclass(frozen=True, kw_only=True)
class MappingFilter:
    """Which mappings are wanted; what is None is not asked."""

    match_by: str | None = None
    """``display_name``, ``external_id``, ``role`` or ``entitlement``."""
    connection: str | None = None
    """Id of the only connection they count for."""
    role: str | None = None
    """Id of the role they give."""
    folder: str | None = None
    """Id of the folder they give it on."""


def listed(
    account_id: str, wanted: MappingFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of mappings, by what they match.

    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id).where(*_conditions(wanted))
    return page_of(
        query, BY_MATCH, lambda rows: _documents(account_id, rows), cursor=cursor, limit=limit
    )


def every(account_id: str) -> Iterator[dict[str, Any]]:
    """Return all mappings, by what they match, with some in memory."""
    cursor: str | None = None
    while True:
        page = listed(account_id, MappingFilter(), cursor=cursor, limit=LONGEST_PAGE)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def one(account_id: str, mapping_id: str) -> dict[str, Any] | None:
    """Return what is shown of one mapping; None where there is none."""
    rows = db.session.execute(_query(account_id).where(Mapping.id == mapping_id)).all()
    return _documents(account_id, rows)[0] if rows else None


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Mapping.__table__,
            Role.name.label("role"),
            Connection.name.label("connection"),
            *_states(account_id),
        )
        .join(Role, (Role.account_id == Mapping.account_id) & (Role.id == Mapping.role_id))
        .outerjoin(
            Connection,
            (Connection.account_id == Mapping.account_id)
            & (Connection.id == Mapping.connection_id),
        )
        .where(Mapping.account_id == account_id)
    )


def _states(account_id: str) -> tuple[Any, Any]:
    """Return how a mapping of groups stands; null for those of users.

    ``waiting``: no group that it matches has arrived. ``lacking``: one has not what it gives, since
    it was taken back. (Users who have a value may be all of the account: they are not looked at.)
    """
    through = or_(Mapping.connection_id.is_(None), Mapping.connection_id == Group.connection_id)
    group = exists().where(Group.account_id == account_id, through)
    named = group.where(Group.display_name_key == Mapping.match_key)
    numbered = group.where(Group.external_id == Mapping.match_key)
    given = exists().where(
        Grant.account_id == account_id, Grant.mapping_id == Mapping.id, Grant.group_id == Group.id
    )
    not_given = ~given.correlate(Mapping, Group)
    return (
        _by_match(~named, ~numbered).label("waiting"),
        _by_match(named.where(not_given), numbered.where(not_given)).label("lacking"),
    )


def _by_match(named: Any, numbered: Any) -> Any:
    return case(
        (Mapping.match_by == "display_name", named),
        (Mapping.match_by == "external_id", numbered),
        else_=null(),
    )


def _conditions(wanted: MappingFilter) -> list[ColumnElement[bool]]:
    asked = (
        (Mapping.match_by, wanted.match_by),
        (Mapping.connection_id, wanted.connection),
        (Mapping.role_id, wanted.role),
        (Mapping.folder_id, wanted.folder),
    )
    return [column == value for column, value in asked if value is not None]


def _documents(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    paths = paths_of(account_id, {row.folder_id for row in rows if row.folder_id})
    return [_document(row, paths) for row in rows]


def _document(row: Any, paths: dict[str, str]) -> dict[str, Any]:
    connection = {"id": row.connection_id, "name": row.connection}
    return {
        "id": row.id,
        "match_by": row.match_by,
        "match_value": row.match_value,
        "role": {"id": row.role_id, "name": row.role},
        "folder": {"id": row.folder_id, "path": paths[row.folder_id]} if row.folder_id else None,
        "connection": connection if row.connection_id else None,
        "waiting": None if row.waiting is None else bool(row.waiting),
        "lacking": None if row.lacking is None else bool(row.lacking),
        "created_at": row.created_at,
    }
