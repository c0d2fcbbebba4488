"""The OAuth clients of an account, without their secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Connection, OAuthClient

BY_AGE = Order("created_at", OAuthClient.id, OAuthClient.id)  # ids are in the order of creation
SHOWN = (
    *("id", "name", "connection_id", "connection", "scopes", "networks", "created_at"),
    *("last_used_at", "previous_expires_at"),
)


def listed(
    account_id: str,
    *,
    connection: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of clients, the oldest first.

    :param connection: The id of a connection: only its.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if connection is not None:
        query = query.where(OAuthClient.connection_id == connection)
    return page_of(
        query, BY_AGE, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, client_id: str) -> dict[str, Any] | None:
    """Return what is shown of one client; None where there is none."""
    row = db.session.execute(_query(account_id).where(OAuthClient.id == client_id)).first()
    return None if row is None else _document(row)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    columns = [getattr(OAuthClient, name) for name in SHOWN if name != "connection"]
    return (
        select(*columns, Connection.name.label("connection"))
        .join(
            Connection,
            (Connection.account_id == OAuthClient.account_id)
            & (Connection.id == OAuthClient.connection_id),
        )
        .where(OAuthClient.account_id == account_id)
    )


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
