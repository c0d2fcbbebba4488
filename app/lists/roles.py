"""The roles of an account, the built-in ones and its own, with what they permit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.access.permissions import permissions_of
from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Role

BY_NAME = Order("name", Role.name_key, Role.id)
SHOWN = (
    *("id", "scope", "name", "description", "built_in", "requires_second_factor"),
    *("version", "created_at", "updated_at"),
)


def listed(
    account_id: str,
    *,
    scope: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of roles by name.

    :param scope: ``account`` or ``folder``: only those.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if scope is not None:
        query = query.where(Role.scope == scope)
    return page_of(
        query, BY_NAME, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, role_id: str) -> dict[str, Any] | None:
    """Return what is shown of one role; None where there is none."""
    row = db.session.execute(_query(account_id).where(Role.id == role_id)).first()
    return None if row is None else _document(row)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return select(Role.__table__).where(Role.account_id == account_id)


def _document(row: Any) -> dict[str, Any]:
    permissions = permissions_of(row.scope, row.id, row.built_in, row.permissions)
    return {name: row._mapping[name] for name in SHOWN} | {"permissions": sorted(permissions)}
