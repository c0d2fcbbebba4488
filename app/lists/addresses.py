"""The rules of an account that say from which addresses its surfaces may be reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import AddressRule

BY_AGE = Order("created_at", AddressRule.id, AddressRule.id)  # ids are in the order of creation
SHOWN = ("id", "surface", "network", "note", "expires_at", "created_by", "created_at")


def listed(
    account_id: str,
    *,
    surface: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of rules, the oldest first; those that have expired are among them.

    :param surface: ``console``, ``api`` or ``scim``: only those.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if surface is not None:
        query = query.where(AddressRule.surface == surface)
    return page_of(
        query, BY_AGE, lambda rows: [_document(row) for row in rows], cursor=cursor, limit=limit
    )


def one(account_id: str, rule_id: str) -> dict[str, Any] | None:
    """Return what is shown of one rule; None where there is none."""
    row = db.session.execute(_query(account_id).where(AddressRule.id == rule_id)).first()
    return None if row is None else _document(row)


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    columns = [getattr(AddressRule, name) for name in SHOWN]
    return select(*columns).where(AddressRule.account_id == account_id)


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
