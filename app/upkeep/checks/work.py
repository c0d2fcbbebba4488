"""What is done behind the requests: background jobs, operations, events for others."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from app.directory import due
from app.directory.operations import IS_OPEN
from app.lists import pending
from app.settings import Settings
from app.store.database import db
from app.store.models import DeadLetter, Operation
from app.store.types import now
from app.upkeep import inspection
from app.upkeep.checks import Findings, problem, warning

LATE = timedelta(minutes=15)
"""So long after its turn something that is done every minute must have been done."""


def jobs(_settings: Settings) -> Findings:
    """Background work is done, and goes well."""
    rows = due.listed()
    late = [row.name for row in rows if row.due_at < now() - LATE]
    if late or not rows:
        yield problem(
            f"Nobody does background work: {', '.join(late) or 'nothing was ever done'}.",
            "Let gatehouse serve run, or a schedule of yours: gatehouse jobs run",
        )
    for row in rows:
        if row.problem:
            yield warning(
                f"The job {row.name!r} failed the last time: {row.problem}",
                "The log of the server has more; it is tried again at its next turn.",
            )


def operations(_settings: Settings) -> Findings:
    """No long operation was left behind."""
    stalled = (
        select(func.count())
        .select_from(Operation)
        .where(
            IS_OPEN,
            Operation.surface != "cli",
            Operation.updated_at < now() - LATE,
            Operation.leased_until.is_(None) | (Operation.leased_until < now() - LATE),
        )
    )
    if count := db.session.scalar(stalled):
        yield problem(
            f"Operations that nobody carries on, such as imports: {count}.",
            "Let gatehouse serve run, or carry them on now: gatehouse jobs run",
        )


def events(settings: Settings) -> Findings:
    """Others are told of changes in time."""
    for account, name in inspection.lost_headers(settings.secret_key):
        yield problem(
            f"Stream {name!r} of account {account!r} pushes nothing: its Authorization header "
            "was sealed with another secret key.",
            "Set the header anew, in the console or over the API (docs/disaster.md).",
        )
    waiting = pending.outgoing_events()
    if waiting.oldest is not None and waiting.age > LATE:
        yield warning(
            f"{waiting.count} events wait to be told to others, the oldest since "
            f"{waiting.oldest:%Y-%m-%d %H:%M} UTC.",
            "gatehouse stream list ACCOUNT says how far each is, and what its receiver said.",
        )
    if count := db.session.scalar(select(func.count()).select_from(DeadLetter)):
        yield warning(
            f"Events that receivers did not take, and that were given up: {count}.",
            "gatehouse stream dead-letters ACCOUNT STREAM lists them; mend the receiver, then have "
            "them delivered again.",
        )
