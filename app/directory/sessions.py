"""Every write of a session: opened at sign-in, revoked at sign-out or when access is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import Delete, bindparam, delete, insert, select, update

from app.directory import bounds, connections, delegation, requiring_saml
from app.directory import second_factor as factor_rules
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.security.secrets import digest, new_secret
from app.store.database import db, note, table, write_transaction
from app.store.models import Session, SignInLink, User
from app.store.prepared import one_of, prepared
from app.store.types import Id, UtcDateTime, new_id, now
from app.words import say

KEPT = timedelta(days=30)
"""How long a session is kept after its end, and a link."""

# What every sign-in asks is built once: building takes longer than asking.
_users = table(User)
_is_active = (
    _users.c.account_id == bindparam("account"),
    _users.c.id == bindparam("user"),
    _users.c.active.is_(True),
)
_SIGN_IN = (
    update(_users)
    .where(*_is_active)
    .values(
        last_sign_in_at=bindparam("at", type_=UtcDateTime),
        last_sign_in_method=bindparam("method"),
        last_sign_in_factor=bindparam("factor"),
    )
    .returning(_users.c.user_name)
)
_BEGIN_SIGN_IN = select(_users.c.user_name).where(*_is_active)
_ADD_SESSION = insert(table(Session))


@dataclass(frozen=True)
class AtProvider:
    """A session as its identity provider knows it; it must be named so to end it there."""

    connection_id: str
    name_id: str
    name_id_format: str | None = None
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None
    session_index: str | None = None


def open_session(
    work: Work,
    user_id: str,
    *,
    method: str,
    lifetime: timedelta,
    second_factor: str | None = None,
    at_provider: AtProvider | None = None,
    user_agent: str = "",
    note: str = "",
) -> str:
    """Sign an active user in and return the secret of the new session, for its cookie.

    The session may still await a second factor (``app.security.sessions.way_on`` tells where the
    browser goes on to); it is no sign-in before that.

    :param method: How the person proved who they are: ``saml``, ``link``, ``password``.
    :param second_factor: What they proved it with besides, such as ``provider``.
    :param note: What an administrator should know of it, for the audit log.
    :raises NotFound: When the account has no such active user, or no such connection.
    :raises Invalid: When the provider's names of the session are too long.
    :raises Forbidden: When the account requires SAML, and of this user too.
    """
    known_as = _columns_of(at_provider)
    if at_provider is not None:
        connections.check(work, at_provider.connection_id)
    awaits = factor_rules.awaits(work, user_id, method, second_factor)
    values: dict[str, Any] = {"account": work.account_id, "user": user_id}
    if awaits:
        user_name = db.session.scalar(_BEGIN_SIGN_IN, values)
    else:
        values |= {"at": work.at, "method": method, "factor": second_factor}
        user_name = db.session.scalar(_SIGN_IN, values)
    if user_name is None:
        raise NotFound("active user", user_id)
    if method != "saml":
        requiring_saml.check(work, Target("user", user_id, user_name), method)
    secret = new_secret()
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "user_id": user_id,
        "hash": digest(secret),
        "method": method,
        "awaits": awaits,
        "second_factor": second_factor,
        "address": work.actor.address,
        "user_agent": user_agent[:512],
        "created_at": work.at,
        "seen_at": work.at,
        "expires_at": work.at + lifetime,
    }
    db.session.execute(_ADD_SESSION, [row | known_as])
    opened = {"session": row["id"], "method": method, "connection": known_as["connection_id"]}
    told = {"awaits": awaits, "second_factor": second_factor, "note": note}
    after = opened | {name: text for name, text in told.items() if text}
    work.record("session.opened", Target("user", user_id, user_name), after=after)
    return secret


def _columns_of(at_provider: AtProvider | None) -> dict[str, str | None]:
    if at_provider is None:
        return {spec.name: None for spec in fields(AtProvider)}
    columns = asdict(at_provider)
    bounds.optional("NameID", at_provider.name_id, bounds.KEY_LENGTH)
    for name, text in columns.items():
        bounds.optional(name, text, bounds.TEXT_LENGTH)
    return columns


def revoke(work: Work, session_id: str, *, reason: str, user_id: str | None = None) -> bool:
    """End one session, and return whether it was still open.

    :param user_id: Whose it must be; None: anybody's.
    :raises Forbidden: When it is of a user who may do more on the account than the actor.
    """
    whose = () if user_id is None else (Session.user_id == user_id,)
    query = (
        update(Session)
        .where(
            Session.account_id == work.account_id,
            Session.id == session_id,
            Session.revoked_at.is_(None),
            *whose,
        )
        .values(revoked_at=work.at)
        .returning(Session.user_id)
    )
    user_id = db.session.scalar(query)
    if user_id is None:
        return False
    delegation.check_over(work, user_id)
    after = {"reason": reason, "session": session_id}
    work.record("session.revoked", Target("user", user_id), after=after)
    return True


def revoke_all(work: Work, user_id: str, *, reason: str) -> None:
    """End every session of a user, and every sign-in link not used yet.

    :raises Forbidden: When the user may do more on the account than the actor.
    """
    delegation.check_over(work, user_id)
    revoke_all_of(work, [user_id], reason=reason)


def revoke_all_of(work: Work, user_ids: Collection[str], *, reason: str) -> None:
    """End every session of some users, and every sign-in link not used yet.

    Whether the actor may do this to them is asked by who calls it.
    """
    whose = {"account": work.account_id, "users": user_ids}
    ended = Counter(row.user_id for row in _revoke.all(at=work.at, **whose))
    _delete_links.run(**whose)
    for user_id, count in sorted(ended.items()):
        after = {"reason": reason, "sessions": count}
        work.record("session.revoked", Target("user", user_id), after=after)


@prepared
def _revoke() -> Any:
    sessions = table(Session)
    return (
        update(sessions)
        .where(
            sessions.c.account_id == bindparam("account", type_=Id),
            one_of(sessions.c.user_id, "users"),
            sessions.c.revoked_at.is_(None),
        )
        .values(revoked_at=bindparam("at", type_=UtcDateTime))
        .returning(sessions.c.user_id)
    )


@prepared
def _delete_links() -> Delete:
    links = table(SignInLink)
    return delete(links).where(
        links.c.account_id == bindparam("account", type_=Id), one_of(links.c.user_id, "users")
    )


def revoke_at_provider(
    work: Work, connection_id: str, name_id: str, session_indexes: Collection[str], *, reason: str
) -> int:
    """End the sessions a provider names, and return how many were still open.

    :param session_indexes: Only these of the person's sessions; none: all of them.
    """
    conditions = [
        Session.account_id == work.account_id,
        Session.connection_id == connection_id,
        Session.name_id == name_id,
        Session.revoked_at.is_(None),
    ]
    if session_indexes:
        conditions.append(Session.session_index.in_(session_indexes))
    found = db.session.scalars(select(Session.id).where(*conditions)).all()
    return sum(revoke(work, session_id, reason=reason) for session_id in found)


def revoke_others(work: Work, user_id: str, session_id: str, *, reason: str) -> int:
    """End the sessions of a user but for one, and return how many were still open."""
    query = select(Session.id).where(
        Session.account_id == work.account_id,
        Session.user_id == user_id,
        Session.id != session_id,
        Session.revoked_at.is_(None),
    )
    found = db.session.scalars(query).all()
    return sum(revoke(work, other, reason=reason) for other in found)


def at_provider(account_id: str, session_id: str) -> AtProvider | None:
    """Return how a session, open or not, is known at its provider; None when it has none."""
    columns = [getattr(Session, spec.name) for spec in fields(AtProvider)]
    query = select(*columns).where(Session.account_id == account_id, Session.id == session_id)
    row = db.session.execute(query).first()
    if row is None or row.connection_id is None or row.name_id is None:
        return None
    return AtProvider(**row._mapping)


def touch(session_id: str, account_id: str) -> None:
    """Note that a session is in use. It is not an event, so it leaves no trace in the audit."""
    whose = (Session.account_id == account_id, Session.id == session_id)
    note(lambda: db.session.execute(update(Session).where(*whose).values(seen_at=now())))


def forget_old() -> None:
    """Delete the sessions and links that ended long ago. What happened is in the audit log."""
    before = now() - KEPT
    with write_transaction():
        db.session.execute(delete(Session).where(Session.expires_at < before))
        db.session.execute(delete(SignInLink).where(SignInLink.expires_at < before))


def create_link(work: Work, user_id: str, *, lifetime: timedelta) -> str:
    """Make a single-use sign-in link for an active user and return its secret.

    :raises NotFound: When the account has no such active user.
    :raises Forbidden: When the user may do more on the account than the actor.
    """
    query = select(User.user_name).where(
        User.account_id == work.account_id, User.id == user_id, User.active.is_(True)
    )
    user_name = db.session.scalar(query)
    if user_name is None:
        raise NotFound("active user", user_id)
    delegation.check_over(work, user_id)
    requiring_saml.check_link(work, Target("user", user_id, user_name))
    secret = new_secret()
    db.session.execute(
        insert(SignInLink),
        [
            {
                "account_id": work.account_id,
                "id": new_id(),
                "user_id": user_id,
                "hash": digest(secret),
                "created_at": work.at,
                "expires_at": work.at + lifetime,
            }
        ],
    )
    work.record("sign_in_link.created", Target("user", user_id, user_name))
    return secret


def account_of_link(secret: str) -> str | None:
    """Return the account a link belongs to, whether it still works or not."""
    query = select(SignInLink.account_id).where(SignInLink.hash == digest(secret))
    return db.session.scalar(query)


def use_link(work: Work, secret: str, *, lifetime: timedelta, user_agent: str = "") -> str:
    """Sign in with a link, once, and return the secret of the new session.

    :raises NotFound: When the link is unknown, used, or too old, or its user is not active.
    """
    query = (
        update(SignInLink)
        .where(
            SignInLink.account_id == work.account_id,
            SignInLink.hash == digest(secret),
            SignInLink.purpose == "sign_in",
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > work.at,
        )
        .values(used_at=work.at)
        .returning(SignInLink.user_id)
    )
    user_id = db.session.scalar(query)
    if user_id is None:
        raise NotFound("sign-in link", say("that still works"))
    return open_session(work, user_id, method="link", lifetime=lifetime, user_agent=user_agent)
