"""When each piece of background work is due. Two processes never both get it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.store.database import db, write_transaction
from app.store.models import Job
from app.store.types import now

LONGEST_TEXT = 1000


def claim(name: str, every: timedelta) -> bool:
    """Tell whether a job is due, and if so move it on to its next turn."""
    at = now()
    # Read first: most times it is not due, and a write would make others wait.
    due_at = db.session.scalar(select(Job.due_at).where(Job.name == name))
    db.session.rollback()
    # One that is two whole turns from now: the clock was put back. One is what others may have
    # written whose clock is a little ahead.
    too_late = at + 2 * every
    if due_at is not None and at < due_at <= too_late:
        return False
    if due_at is None:
        return _add(name, every)
    query = (
        update(Job)
        .where(Job.name == name, or_(Job.due_at <= at, Job.due_at > too_late))
        .values(due_at=at + every)
        .returning(Job.name)
    )
    with write_transaction():
        return db.session.scalar(query) is not None


def note(name: str, problem: str | None) -> None:
    """Note that a job was done, or why it could not be."""
    values = {"problem": problem and problem[:LONGEST_TEXT]}
    with write_transaction():
        db.session.execute(update(Job).where(Job.name == name).values(**values, done_at=now()))


def give_back(name: str) -> None:
    """Make a job due at once: whoever has begun it does not end it."""
    with write_transaction():
        db.session.execute(update(Job).where(Job.name == name).values(due_at=now()))


def listed() -> list[Any]:
    """Return the jobs that ran, by name."""
    return list(db.session.execute(select(Job.__table__).order_by(Job.name)))


def _add(name: str, every: timedelta) -> bool:
    """Add a job that never ran; who comes second finds it there."""
    try:
        with write_transaction():
            db.session.execute(insert(Job), [{"name": name, "due_at": now() + every}])
    except IntegrityError:
        return False
    return True
