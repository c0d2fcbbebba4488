"""Who is signed in: the sessions of an account that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from app.lists.paging import Order, Page, page_of
from app.security.sessions import live
from app.settings import Settings
from app.store.database import db
from app.store.models import ApplicationSession, Connection, Session, SignInLink, User
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


@dataclass(frozen=True)
class Open:
    """How much of somebody's would end if they were deactivated."""

    sessions: int
    applications: int
    """Applications on other hosts that these sessions are known at."""
    links: int
    """Sign-in links, invitations and password links not used yet."""


def open_of(account_id: str, settings: Settings, user_id: str) -> Open:
    """Return what a user has open, in one statement."""
    live_ones = select(Session.id).where(
        Session.account_id == account_id, Session.user_id == user_id, *live(settings, now())
    )
    applications = select(func.count()).where(
        ApplicationSession.account_id == account_id,
        ApplicationSession.session_id.in_(live_ones),
        ApplicationSession.path.is_(None),
    )
    links = select(func.count()).where(
        SignInLink.account_id == account_id,
        SignInLink.user_id == user_id,
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > now(),
    )
    counted = select(func.count()).select_from(live_ones.subquery())
    parts = (counted, applications, links)
    return Open(*db.session.execute(select(*(each.scalar_subquery() for each in parts))).one())


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
