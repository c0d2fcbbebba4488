"""Who is signed in: the sessions of an account that can be used."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from app.lists.paging import Order, Page, page_of
from app.security.sessions import live
from app.settings import Settings
from app.store.database import db
from app.store.models import Connection, Session, User
from app.store.types import now

NEWEST_FIRST = Order("created_at", Session.id, Session.id, descending=True)
SHOWN = (
    *("id", "user_id", "user_name", "method", "second_factor", "connection", "address"),
    *("user_agent", "created_at", "seen_at", "expires_at"),
)


def listed(
    account_id: str,
    settings: Settings,
    *,
    user: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of sessions, the newest first.

    :param user: Only those of this user.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id, settings)
    if user is not None:
        query = query.where(Session.user_id == user)
    return page_of(
        query,
        NEWEST_FIRST,
        lambda rows: [_document(row) for row in rows],
        cursor=cursor,
        limit=limit,
    )


def one(account_id: str, settings: Settings, session_id: str) -> dict[str, Any] | None:
    """Return what is shown of one session; None where there is none that can be used."""
    query = _query(account_id, settings).where(Session.id == session_id)
    row = db.session.execute(query).first()
    return None if row is None else _document(row)


def _query(account_id: str, settings: Settings) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Session.id,
            Session.user_id,
            User.user_name,
            Session.method,
            Session.second_factor,
            Connection.name.label("connection"),
            Session.address,
            Session.user_agent,
            Session.created_at,
            Session.seen_at,
            Session.expires_at,
        )
        .join(User, (User.account_id == Session.account_id) & (User.id == Session.user_id))
        .outerjoin(
            Connection,
            (Connection.account_id == Session.account_id)
            & (Connection.id == Session.connection_id),
        )
        .where(Session.account_id == account_id, User.active.is_(True), *live(settings, now()))
    )


def _document(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN}
