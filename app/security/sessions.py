"""Who is signed in: the session behind a cookie, checked against the store at each request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, bindparam, select
from werkzeug.wrappers import Response

from app.security import addresses
from app.security.secrets import digest
from app.settings import Settings
from app.store.database import db
from app.store.models import Account, ApplicationSession, Session, User
from app.store.prepared import prepared
from app.store.types import Name, UtcDateTime, Word, now

LONGEST_SECRET = 128
"""Of a cookie, in characters: ours have fewer."""
TOUCH_AFTER = timedelta(minutes=1)
"""How stale ``seen_at`` may be, so that not every request writes."""
HALF_LIFETIME = timedelta(minutes=10)
"""How long a session may wait for its second factor."""
SECOND_FACTOR_PAGE = "/sign-in/second-factor"
_CONSOLE_RULES = addresses.rules_of(Session.account_id, "console").label("console_rules")


@dataclass(frozen=True)
class Person:
    """The person a session was opened for."""

    account_id: str
    account_name: str
    session_id: str
    user_id: str
    user_name: str
    display_name: str
    method: str
    created_at: datetime
    expires_at: datetime
    connection_id: str | None
    console_rules: str | None
    """Where administrators may come from (``app.security.addresses.lets_in``)."""


@dataclass(frozen=True)
class SignedIn(Person):
    """The person behind a request."""

    seen_at: datetime

    @property
    def wants_touch(self) -> bool:
        return self.seen_at < now() - TOUCH_AFTER


@dataclass(frozen=True)
class HalfSignedIn(Person):
    """Somebody who still has to prove with a second factor who they are. They may do nothing else.

    It is a type of its own, so that no code takes them for somebody who is signed in.
    """

    awaits: str
    """``second_factor``, or ``enrolment``: they must have one and have none yet."""


def cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie; over HTTPS one a subdomain cannot set."""
    return "__Host-gatehouse" if settings.https else "gatehouse"


def application_cookie_name(origin: str, purpose: str = "session") -> str:
    """Return the name of a cookie of ours on the host of an application.

    :param purpose: ``session``, or ``start``: what ties a sign-in to the browser that began it.
    """
    name = f"gatehouse-app-{purpose}"
    return f"__Host-{name}" if origin.startswith("https:") else name


def set_cookie(
    response: Response, secret: str, settings: Settings, lifetime: timedelta | None = None
) -> None:
    """Give the browser the secret of its session.

    Scripts cannot read the cookie, other sites cannot post with it, and it goes to this host
    alone. The browser forgets it when the session can no longer be valid (RFC 6265 §5.2.2).
    """
    lifetime = lifetime or timedelta(hours=settings.session_hours)
    response.set_cookie(
        cookie_name(settings), secret, max_age=lifetime, **cookie_attributes(secure=settings.https)
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    """Make the browser forget its session. It does not revoke the session."""
    response.delete_cookie(cookie_name(settings), **cookie_attributes(secure=settings.https))


def signed_in(secret: str | None, settings: Settings) -> SignedIn | None:
    """Return the person a session cookie stands for, or None.

    One statement reads session and user together: a session that was revoked, that is too old or
    idle, or whose user is no longer active, is refused at this very request.
    """
    if not secret or len(secret) > LONGEST_SECRET:
        return None
    return _person(_by_cookie.first(hash=digest(secret), **_moments(settings)))


def half_signed_in(secret: str | None) -> HalfSignedIn | None:
    """Return the person of a session that awaits a second factor, or None.

    Only the pages that ask for the factor may ask this.
    """
    if not secret or len(secret) > LONGEST_SECRET:
        return None
    at = now()
    query = _people(Session.awaits).where(
        Session.hash == digest(secret),
        Session.awaits.is_not(None),
        Session.created_at > at - HALF_LIFETIME,
        Session.revoked_at.is_(None),
        Session.expires_at > at,
    )
    row = db.session.execute(query).first()
    return None if row is None else HalfSignedIn(**_named(row))


def way_on(secret: str, path: str) -> str:
    """Return where a browser goes on to after a session was opened: the path, or first to the page
    that asks for the second factor."""
    if half_signed_in(secret) is None:
        return path
    query = "" if path == "/" else "?" + urlencode({"next": path})
    return SECOND_FACTOR_PAGE + query


def signed_in_at(origin: str, secret: str | None, settings: Settings) -> SignedIn | None:
    """Return the person an application's cookie stands for, or None.

    :param origin: Where the cookie was sent: on another host it stands for nobody.
    """
    if not secret or len(secret) > LONGEST_SECRET:
        return None
    found = _by_application.first(hash=digest(secret), origin=origin, **_moments(settings))
    return _person(found)


@prepared
def _by_cookie() -> Select[*tuple[Any, ...]]:
    """Return who is signed in with a cookie."""
    return _signed_in().where(Session.hash == bindparam("hash", type_=Word))


@prepared
def _by_application() -> Select[*tuple[Any, ...]]:
    """Return who is signed in with a cookie of an application."""
    there = (ApplicationSession.account_id == Session.account_id) & (
        ApplicationSession.session_id == Session.id
    )
    return (
        _signed_in()
        .join(ApplicationSession, there)
        .where(
            ApplicationSession.hash == bindparam("hash", type_=Word),
            ApplicationSession.origin == bindparam("origin", type_=Name),
            ApplicationSession.path.is_(None),
        )
    )


def _signed_in() -> Select[*tuple[Any, ...]]:
    """Return the query of those who are signed in, to be narrowed to one."""
    at, idle_since = (bindparam(name, type_=UtcDateTime()) for name in ("at", "idle_since"))
    return _people(Session.seen_at).where(*_live(at, idle_since))


def _moments(settings: Settings) -> dict[str, datetime]:
    at = now()
    return {"at": at, "idle_since": at - timedelta(minutes=settings.session_idle_minutes)}


def _people(*more: Any) -> Select[*tuple[Any, ...]]:
    """Return the query of the active users of sessions, whether these can be used or not."""
    return (
        select(
            Session.account_id,
            Account.name.label("account_name"),
            Session.id.label("session_id"),
            User.id.label("user_id"),
            User.user_name,
            User.display_name,
            Session.method,
            Session.created_at,
            Session.expires_at,
            Session.connection_id,
            _CONSOLE_RULES,
            *more,
        )
        .join(User, (User.account_id == Session.account_id) & (User.id == Session.user_id))
        .join(Account, Account.id == Session.account_id)
        .where(User.active.is_(True))
    )


def _person(row: Any) -> SignedIn | None:
    return None if row is None else SignedIn(**_named(row))


def _named(row: Any) -> dict[str, Any]:
    named: dict[str, Any] = row._asdict()
    return named | {"display_name": row.display_name or row.user_name}


def live(settings: Settings, at: datetime) -> tuple[Any, ...]:
    """Return what holds of a session that can be used, as conditions of a query.

    One that still awaits a second factor cannot.
    """
    return _live(at, at - timedelta(minutes=settings.session_idle_minutes))


def _live(at: Any, idle_since: Any) -> tuple[Any, ...]:
    return (
        Session.awaits.is_(None),
        Session.revoked_at.is_(None),
        Session.expires_at > at,
        Session.seen_at > idle_since,
    )


def cookie_attributes(*, secure: bool) -> dict[str, Any]:
    """Return what all our cookies that stand for somebody have in common."""
    return {"path": "/", "secure": secure, "httponly": True, "samesite": "Lax"}
