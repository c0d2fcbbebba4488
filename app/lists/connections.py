"""The connections of an account to identity providers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Connection, Token

BY_NAME = Order("name", Connection.name_key, Connection.id)
SHOWN = ("id", "kind", "name", "enabled", "problem", "checked_at", "created_at", "updated_at")


def listed(
    account_id: str,
    *,
    kind: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of connections by name.

    :param kind: ``scim`` or ``saml``: only those.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if kind is not None:
        query = query.where(Connection.kind == kind)
    return page_of(
        query, BY_NAME, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, connection_id: str) -> dict[str, Any] | None:
    """Return what is shown of one connection, with its ``settings``; None where there is none."""
    query = _query(account_id).add_columns(Connection.settings)
    row = db.session.execute(query.where(Connection.id == connection_id)).first()
    return None if row is None else _document(row) | {"settings": row.settings}


def used_at(account_id: str, connection_id: str) -> datetime | None:
    """Return when a request came through a SCIM connection last that was let in, reads included."""
    where = (Token.account_id == account_id) & (Token.connection_id == connection_id)
    return db.session.scalar(select(func.max(Token.last_used_at)).where(where))


def settings_in_use(account_id: str, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the ``settings`` of SAML connections that are in use, by id."""
    query = select(Connection.id, Connection.settings).where(
        Connection.account_id == account_id,
        Connection.id.in_(ids),
        Connection.kind == "saml",
        Connection.enabled.is_(True),
    )
    return {row.id: row.settings for row in db.session.execute(query)}


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    columns = [getattr(Connection, name) for name in (*SHOWN, "name_key")]
    return select(*columns).where(Connection.account_id == account_id)


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
