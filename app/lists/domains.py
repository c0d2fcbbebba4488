"""The domains of an account's people, and the connection each signs in through."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Connection, Domain

BY_NAME = Order("domain", Domain.domain, Domain.domain)
SHOWN = ("domain", "connection_id", "connection", "created_at")


def listed(
    account_id: str,
    *,
    connection: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of domains by name.

    :param connection: The id of a connection: only those of its people.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if connection is not None:
        query = query.where(Domain.connection_id == connection)
    return page_of(
        query,
        BY_NAME,
        lambda rows: [_document(row) for row in rows],
        cursor=cursor,
        limit=limit,
    )


def one(account_id: str, domain: str) -> dict[str, Any] | None:
    """Return what is shown of one domain; None where the account has no such domain."""
    row = db.session.execute(_query(account_id).where(Domain.domain == domain)).first()
    return None if row is None else _document(row)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Domain.domain,
            Domain.connection_id,
            Connection.name.label("connection"),
            Domain.created_at,
        )
        .join(
            Connection,
            (Connection.account_id == Domain.account_id) & (Connection.id == Domain.connection_id),
        )
        .where(Domain.account_id == account_id)
    )


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
