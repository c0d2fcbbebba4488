"""How often something sensitive failed lately: each failure makes the next try wait longer.

It is counted before the try, in the database: tries at the same moment, at several processes, count
like any others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite

from app.security.secrets import digest
from app.store.database import db, table, write_transaction
from app.store.models import Attempts
from app.store.types import now
from app.words import say

LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(days=1)
"""How long after the last failure none is remembered."""


@dataclass(frozen=True)
class Counted:
    """Whom failures are counted for."""

    key: str
    """Such as ``user:ada@example.com``. Only its digest is kept."""
    free: int
    """How many failures make nobody wait."""


class TooManyAttempts(Exception):
    """There were too many failures: the try was not made. ``seconds`` says when the next may be."""

    def __init__(self, seconds: int) -> None:
        super().__init__(say("Too many attempts. Try again in %(seconds)s s.", seconds=seconds))
        self.seconds = seconds


def begin(counted: Collection[Counted]) -> None:
    """Count a try as failed, for all of these; :func:`succeeded` takes it back.

    :raises TooManyAttempts: When one of them has to wait.
    """
    with write_transaction():
        stored = _locked(counted)
        at = now()  # not before: those that were faster have written later moments
        waits = [row.wait_until - at for row in stored.values()]
        # Twice as long as there is: the clock was put back, and nobody waits for it to catch up.
        waits = [wait for wait in waits if timedelta() < wait <= 2 * LONGEST_WAIT]
        if waits:
            raise TooManyAttempts(int(max(waits).total_seconds()) + 1)
        for each in counted:
            row = stored[digest(each.key)]
            failures = (row.failures if row.forget_at > at else 0) + 1
            columns = {
                "failures": failures,
                "wait_until": at + _wait(failures - each.free),
                "forget_at": at + FORGET_AFTER,
            }
            db.session.execute(_row(row.key).values(**columns))


def succeeded(cleared: Collection[Counted], eased: Collection[Counted] = ()) -> None:
    """Take back what :func:`begin` counted.

    :param cleared: For these no failure is remembered any more.
    :param eased: For these it alone is taken back: those before it may be somebody else's.
    """
    with write_transaction():
        keys = [digest(each.key) for each in cleared]
        db.session.execute(delete(Attempts).where(Attempts.key.in_(keys)))
        for each in eased:
            columns = {"failures": Attempts.failures - 1, "wait_until": now()}
            db.session.execute(_row(digest(each.key)).values(**columns))


def forget_old() -> None:
    """Delete what is not remembered any more."""
    with write_transaction():
        db.session.execute(delete(Attempts).where(Attempts.forget_at <= now()))


def _locked(counted: Collection[Counted]) -> dict[str, Any]:
    """Return the rows of these, made where there are none, which nobody else changes meanwhile.

    It is one statement: between two, who has succeeded could delete a row that was there.
    """
    at = now()
    fresh = {"failures": 0, "wait_until": at, "forget_at": at + FORGET_AFTER}
    rows = [fresh | {"key": key} for key in sorted({digest(each.key) for each in counted})]
    return {row.key: row for row in db.session.execute(_made_or_kept(rows))}


def _made_or_kept(rows: list[dict[str, Any]]) -> Any:
    attempts = table(Attempts)
    is_sqlite = db.session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite.insert if is_sqlite else postgresql.insert
    kept = {"failures": attempts.c.failures}
    made = insert(attempts).values(rows)
    return made.on_conflict_do_update(index_elements=["key"], set_=kept).returning(attempts)


def _row(key: str) -> Any:
    return update(Attempts).where(Attempts.key == key)


def _wait(beyond: int) -> timedelta:
    """Return how long the next try has to wait: 2 s, 4 s, 8 s and so on."""
    if beyond <= 0:
        return timedelta()
    return min(timedelta(seconds=2 ** min(beyond, 20)), LONGEST_WAIT)
