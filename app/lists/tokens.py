"""The live bearer tokens of an account, without their secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Connection, Token
from app.store.types import now

BY_AGE = Order("created_at", Token.id, Token.id)  # ids are in the order of creation
SHOWN = (
    *("id", "surface", "name", "prefix", "connection_id", "connection", "scopes", "networks"),
    *("created_at", "expires_at", "last_used_at"),
)


def listed(
    account_id: str,
    *,
    surface: str | None = None,
    connection: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of live tokens, the oldest first, but for those of OAuth clients.

    :param surface: ``scim`` or ``api``: only those.
    :param connection: The id of a connection: only its.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if surface is not None:
        query = query.where(Token.surface == surface)
    if connection is not None:
        query = query.where(Token.connection_id == connection)
    return page_of(
        query, BY_AGE, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, token_id: str) -> dict[str, Any] | None:
    """Return what is shown of one live token; None where there is none."""
    row = db.session.execute(_query(account_id).where(Token.id == token_id)).first()
    return None if row is None else _document(row)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    columns = [getattr(Token, name) for name in SHOWN if name != "connection"]
    return (
        select(*columns, Connection.name.label("connection"))
        .outerjoin(
            Connection,
            (Connection.account_id == Token.account_id) & (Connection.id == Token.connection_id),
        )
        .where(
            Token.account_id == account_id,
            Token.client_id.is_(None),
            Token.expires_at.is_(None) | (Token.expires_at > now()),
        )
    )


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
