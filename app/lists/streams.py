"""The streams of events of an account, how far each is, and what was not taken."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from app.lists.paging import Order, Page, page_of
from app.store.database import db
from app.store.models import Account, DeadLetter, EventStream

BY_NAME = Order("name", EventStream.name, EventStream.id)
BY_EVENT = Order("event", DeadLetter.event_id, DeadLetter.event_id)
SHOWN = (
    *("id", "name", "delivery", "endpoint", "audience", "wanted", "status", "problem", "failures"),
    *("next_try_at", "delivered_at", "created_at"),
)
LETTER_SHOWN = ("event_id", "type", "error", "tries", "died_at", "asked_again_at")


def listed(account_id: str, *, cursor: str | None = None, limit: int = 100) -> Page[dict[str, Any]]:
    """Return a page of streams by name.

    :raises BadCursor: When the cursor is none of this list.
    """
    return page_of(_query(account_id), BY_NAME, _documents, cursor=cursor, limit=limit)


def one(account_id: str, stream_id: str) -> dict[str, Any] | None:
    """Return what is shown of one stream; None where there is none."""
    rows = db.session.execute(_query(account_id).where(EventStream.id == stream_id)).all()
    return _documents(rows)[0] if rows else None


def dead_letters(
    account_id: str, stream_id: str, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of the events that a stream's receiver did not take, the oldest first.

    :raises BadCursor: When the cursor is none of this list.
    """
    query: Select[*tuple[Any, ...]] = select(
        *(getattr(DeadLetter, name) for name in LETTER_SHOWN)
    ).where(DeadLetter.account_id == account_id, DeadLetter.stream_id == stream_id)
    return page_of(
        query,
        BY_EVENT,
        lambda rows: [{name: row._mapping[name] for name in LETTER_SHOWN} for row in rows],
        cursor=cursor,
        limit=limit,
    )


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    dead = select(func.count()).where(
        DeadLetter.account_id == EventStream.account_id, DeadLetter.stream_id == EventStream.id
    )
    waiting = Account.event_sequence - EventStream.cursor
    return (
        select(
            *(getattr(EventStream, name) for name in SHOWN),
            EventStream.settled,
            EventStream.sealed_authorization.is_not(None).label("has_authorization"),
            waiting.label("waiting"),
            dead.scalar_subquery().label("dead_letters"),
        )
        .join(Account, Account.id == EventStream.account_id)
        .where(EventStream.account_id == account_id)
    )


def _documents(rows: Any) -> list[dict[str, Any]]:
    return [
        {name: row._mapping[name] for name in (*SHOWN, "has_authorization", "dead_letters")}
        | {"waiting": 0 if row.status == "disabled" else row.waiting - len(row.settled)}
        for row in rows
    ]
