"""The grants of an account: who holds which role where, since when and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from app.access.folders import paths_of
from app.access.grants import in_force
from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Grant, Group, Role, User
from app.store.types import now

BY_AGE = Order("created_at", Grant.id, Grant.id)  # ids are in the order of creation
STATES = ("in_force", "later", "over")
ORIGINS = ("manual", "mapping", "scim", "saml")


@dataclass(frozen=True, kw_only=True)
class GrantFilter:
    """Which grants are wanted; what is None is not asked."""

    user: str | None = None
    """Id of the user they were given to, not through a group."""
    group: str | None = None
    """Id of the group they were given to."""
    folder: str | None = None
    """Id of the folder they were given on, not above it."""
    role: str | None = None
    origin: str | None = None
    """Of ``ORIGINS``."""
    expiring_before: datetime | None = None
    """They end before this moment, or have ended."""
    state: str | None = None
    """Of ``STATES``: in force now, not yet, or no longer."""


def listed(
    account_id: str, wanted: GrantFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of grants, the oldest first.

    :raises BadCursor: When the cursor is none of this list.
    """
    at = now()
    query = _query(account_id).where(*_conditions(account_id, wanted, at))
    return page_of(
        query,
        BY_AGE,
        lambda rows: _documents(account_id, rows, at),
        cursor=cursor,
        limit=limit,
    )


def one(account_id: str, grant_id: str) -> dict[str, Any] | None:
    """Return what is shown of one grant; None where there is none."""
    rows = db.session.execute(_query(account_id).where(Grant.id == grant_id)).all()
    return _documents(account_id, rows, now())[0] if rows else None


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Grant.__table__,
            func.coalesce(User.user_name, Group.display_name).label("principal"),
            Role.name.label("role"),
        )
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .outerjoin(User, (User.account_id == Grant.account_id) & (User.id == Grant.user_id))
        .outerjoin(Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id))
        .where(Grant.account_id == account_id)
    )


def _conditions(account_id: str, wanted: GrantFilter, at: datetime) -> list[ColumnElement[bool]]:
    given = {"user_id": wanted.user, "group_id": wanted.group, "folder_id": wanted.folder}
    asked = {name: value for name, value in given.items() if value is not None}
    found: list[ColumnElement[bool]] = []
    if asked:
        found.append(_given(account_id, asked))
    if wanted.role is not None:
        found.append(Grant.role_id == wanted.role)
    if wanted.origin is not None:
        found.append(Grant.origin == wanted.origin)
    if wanted.expiring_before is not None:
        found.append(Grant.expires_at < wanted.expiring_before)
    if wanted.state is not None:
        found.append(_states(at)[wanted.state])
    return found


def _given(account_id: str, asked: dict[str, str]) -> ColumnElement[bool]:
    """Return the condition that a grant is to these, found by the index of one of them.

    Asked without the detour, SQLite would read every grant of the account in the list's order.
    """
    same = aliased(Grant)
    where = (getattr(same, name) == value for name, value in asked.items())
    return Grant.id.in_(select(same.id).where(same.account_id == account_id, *where))


def _states(at: datetime) -> dict[str, ColumnElement[bool]]:
    over = Grant.expires_at <= at
    return {"in_force": in_force(at), "later": Grant.not_before > at, "over": over}


def _documents(account_id: str, rows: Sequence[Any], at: datetime) -> list[dict[str, Any]]:
    paths = paths_of(account_id, {row.folder_id for row in rows if row.folder_id})
    return [_document(row, paths, at) for row in rows]


def _document(row: Any, paths: dict[str, str], at: datetime) -> dict[str, Any]:
    shown = (
        *("id", "origin", "granted_by", "reason", "not_before", "expires_at"),
        *("mapping_id", "external_id", "version", "created_at", "updated_at"),
    )
    on_folder = {"id": row.folder_id, "path": paths.get(row.folder_id)} if row.folder_id else None
    return {name: row._mapping[name] for name in shown} | {
        "principal": {
            "type": "user" if row.user_id else "group",
            "id": row.user_id or row.group_id,
            "name": row.principal,
        },
        "role": {"id": row.role_id, "name": row.role},
        "folder": on_folder,
        "state": _state(row, at),
    }


def _state(row: Any, at: datetime) -> str:
    if row.expires_at is not None and row.expires_at <= at:
        return "over"
    return "later" if row.not_before is not None and row.not_before > at else "in_force"
