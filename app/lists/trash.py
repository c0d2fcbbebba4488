"""What was deleted from an account: to be brought back for a while, known by its id for ever."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Tombstone

NEWEST_FIRST = Order("deleted_at", Tombstone.deleted_at, Tombstone.id, descending=True)
TYPES = ("user", "group", "folder")
_SHOWN = (
    *(Tombstone.id, Tombstone.type, Tombstone.name, Tombstone.deleted_by),
    *(Tombstone.deleted_at, Tombstone.forget_at),
)


def listed(
    account_id: str, *, type_: str | None = None, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of what was deleted, the newest first.

    ``forget_at`` says until when it can be brought back; None: no longer.

    :param type_: Of ``TYPES``: only those.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = select(*_SHOWN).where(Tombstone.account_id == account_id)
    if type_ is not None:
        query = query.where(Tombstone.type == type_)
    return page_of(query, NEWEST_FIRST, _documents, cursor=cursor, limit=limit)


def one(account_id: str, id_: str) -> dict[str, Any] | None:
    """Return what is shown of one; None where there is none."""
    query = select(*_SHOWN).where(Tombstone.account_id == account_id, Tombstone.id == id_)
    row = db.session.execute(query).first()
    return None if row is None else dict(row._mapping)


def _documents(rows: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in rows]
