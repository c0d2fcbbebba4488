"""Handing a session over to an application on another host, where our cookie is not sent.

The browser begins at the application and gets a secret there. It comes to us, where it is signed
in, and goes back with a code. Only together with that secret is the code worth something, so that
nobody can make others open a session of theirs; and it works once, for a moment.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from app.directory import bounds
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.security.secrets import digest, new_secret
from app.store.database import db, table, write_transaction
from app.store.models import ApplicationSession, Session
from app.store.types import new_id, now
from app.words import say

CODE_LIFETIME = timedelta(seconds=60)


def create_code(work: Work, session_id: str, origin: str, path: str, start: str) -> str:
    """Make a code for one application, and return it.

    :param origin: Where the application is.
    :param path: Where to go on to there.
    :param start: The digest of the secret that the browser got there.
    :raises Invalid: When one of them is too long.
    """
    code = new_secret()
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "session_id": session_id,
        "origin": bounds.optional("origin", origin, bounds.TEXT_LENGTH),
        "hash": _hash(code, start),
        "path": bounds.optional("path", path, bounds.TEXT_LENGTH),
        "created_at": work.at,
        "code_expires_at": work.at + CODE_LIFETIME,
    }
    db.session.execute(insert(table(ApplicationSession)), [row])
    return code


def account_of_code(code: str, start_secret: str) -> str | None:
    """Return the account a code belongs to, whether it still works or not."""
    hashed = _hash(code, digest(start_secret))
    query = select(ApplicationSession.account_id).where(ApplicationSession.hash == hashed)
    return db.session.scalar(query)


def enter(work: Work, code: str, start_secret: str, origin: str) -> tuple[str, str]:
    """Use a code, once, and return the secret of the cookie and the path to go on to.

    :param start_secret: The secret the browser got when it began.
    :param origin: Where the code was presented.
    :raises NotFound: When it is unknown, used, too old, for another application, or its session
        has ended.
    """
    secret = new_secret()
    stored = table(ApplicationSession)
    found = db.session.execute(
        select(stored.c.id, stored.c.path, Session.user_id)
        .join(
            Session,
            (Session.account_id == stored.c.account_id) & (Session.id == stored.c.session_id),
        )
        .where(
            stored.c.account_id == work.account_id,
            stored.c.hash == _hash(code, digest(start_secret)),
            stored.c.origin == origin,
            stored.c.path.is_not(None),
            stored.c.code_expires_at > work.at,
            Session.revoked_at.is_(None),
            Session.expires_at > work.at,
        )
    ).first()
    if found is None:
        raise NotFound("sign-in", say("that still works"))
    db.session.execute(
        update(stored)
        .where(stored.c.account_id == work.account_id, stored.c.id == found.id)
        .values(hash=digest(secret), path=None)
    )
    work.record("application.entered", Target("user", found.user_id), after={"origin": origin})
    return secret, str(found.path)


def forget_old_codes() -> None:
    """Delete the codes that nobody used in time."""
    stored = table(ApplicationSession)
    with write_transaction():
        db.session.execute(
            delete(stored).where(stored.c.path.is_not(None), stored.c.code_expires_at < now())
        )


def _hash(code: str, start: str) -> str:
    return digest(f"{code}.{start}")
