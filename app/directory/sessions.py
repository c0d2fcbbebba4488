"""Every write of a session: opened at sign-in, revoked at sign-out or when access is taken."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from app.directory import bounds, connections
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.security.secrets import digest, new_secret
from app.store.database import db, write_transaction
from app.store.models import Session, SignInLink, User
from app.store.types import new_id, now


def open_session(
    work: Work,
    user_id: str,
    *,
    method: str,
    lifetime: timedelta,
    connection_id: str | None = None,
    name_id: str | None = None,
    session_index: str | None = None,
    user_agent: str = "",
) -> str:
    """Sign an active user in and return the secret of the new session, for its cookie.

    :param method: How the person proved who they are: ``saml``, ``link``.
    :raises NotFound: When the account has no such active user, or no such connection.
    :raises Invalid: When the provider's name or index of the session is too long.
    """
    bounds.optional("NameID", name_id, bounds.TEXT_LENGTH)
    bounds.optional("SessionIndex", session_index, bounds.TEXT_LENGTH)
    if connection_id is not None:
        connections.check(work, connection_id)
    query = (
        update(User)
        .where(User.account_id == work.account_id, User.id == user_id, User.active.is_(True))
        .values(last_sign_in_at=work.at)
        .returning(User.user_name)
    )
    user_name = db.session.scalar(query)
    if user_name is None:
        raise NotFound("active user", user_id)
    secret = new_secret()
    session_id = new_id()
    db.session.execute(
        insert(Session),
        [
            {
                "account_id": work.account_id,
                "id": session_id,
                "user_id": user_id,
                "connection_id": connection_id,
                "hash": digest(secret),
                "method": method,
                "name_id": name_id,
                "session_index": session_index,
                "address": work.actor.address,
                "user_agent": user_agent[:512],
                "created_at": work.at,
                "seen_at": work.at,
                "expires_at": work.at + lifetime,
            }
        ],
    )
    work.record(
        "session.opened",
        Target("user", user_id, user_name),
        after={"session": session_id, "method": method, "connection": connection_id},
    )
    return secret


def revoke(work: Work, session_id: str, *, reason: str) -> bool:
    """End one session, and return whether it was still open."""
    query = (
        update(Session)
        .where(
            Session.account_id == work.account_id,
            Session.id == session_id,
            Session.revoked_at.is_(None),
        )
        .values(revoked_at=work.at)
        .returning(Session.user_id)
    )
    user_id = db.session.scalar(query)
    if user_id is None:
        return False
    work.record("session.revoked", Target("user", user_id), after={"reason": reason})
    return True


def revoke_all(work: Work, user_id: str, *, reason: str) -> None:
    """End every session of a user, and every sign-in link not used yet."""
    query = (
        update(Session)
        .where(
            Session.account_id == work.account_id,
            Session.user_id == user_id,
            Session.revoked_at.is_(None),
        )
        .values(revoked_at=work.at)
        .returning(Session.id)
    )
    ended = list(db.session.scalars(query))
    db.session.execute(
        delete(SignInLink).where(
            SignInLink.account_id == work.account_id, SignInLink.user_id == user_id
        )
    )
    if ended:
        work.record(
            "session.revoked",
            Target("user", user_id),
            after={"reason": reason, "sessions": len(ended)},
        )


def touch(session_id: str, account_id: str) -> None:
    """Note that a session is in use. It is not an event, so it leaves no trace in the audit."""
    with write_transaction():
        db.session.execute(
            update(Session)
            .where(Session.account_id == account_id, Session.id == session_id)
            .values(seen_at=now())
        )


def create_link(work: Work, user_id: str, *, lifetime: timedelta) -> str:
    """Make a single-use sign-in link for an active user and return its secret.

    :raises NotFound: When the account has no such active user.
    """
    query = select(User.user_name).where(
        User.account_id == work.account_id, User.id == user_id, User.active.is_(True)
    )
    user_name = db.session.scalar(query)
    if user_name is None:
        raise NotFound("active user", user_id)
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
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > work.at,
        )
        .values(used_at=work.at)
        .returning(SignInLink.user_id)
    )
    user_id = db.session.scalar(query)
    if user_id is None:
        raise NotFound("sign-in link", "that still works")
    return open_session(work, user_id, method="link", lifetime=lifetime, user_agent=user_agent)
