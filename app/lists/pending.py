"""What waits to be done behind the writes: events to tell to others, seals to set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from app.store.database import db
from app.store.models import Account, AuditEvent, EventStream, OutgoingEvent
from app.store.types import now

COUNTED = 10_000
"""So many are counted of an account, at the most: whoever asks often must not wait for more."""


@dataclass(frozen=True)
class Pending:
    """What waits."""

    count: int
    """Over all accounts; of each :data:`COUNTED` at the most."""
    oldest: datetime | None

    @property
    def age(self) -> timedelta:
        """How long the oldest has waited; zero where nothing waits."""
        return now() - self.oldest if self.oldest else timedelta()


def outgoing_events() -> Pending:
    """Return the events that streams which are on have not delivered yet, counted by stream.

    Those that a stream is to deliver again, or was not to deliver for a while, wait since somebody
    said so.
    """
    waits = (
        OutgoingEvent.account_id == EventStream.account_id,
        OutgoingEvent.sequence > EventStream.cursor,
    )
    mine = select(OutgoingEvent.sequence).where(*waits).correlate(EventStream).limit(COUNTED)
    first = select(OutgoingEvent.at).where(*waits).order_by(OutgoingEvent.sequence).limit(1)
    told = select(func.max(AuditEvent.at)).where(
        AuditEvent.account_id == EventStream.account_id,
        AuditEvent.target_type == "stream",
        AuditEvent.target_id == EventStream.id,
        AuditEvent.action.in_(("stream.replayed", "stream.enabled")),
    )
    rows = db.session.execute(
        select(
            select(func.count()).select_from(mine.subquery()).scalar_subquery(),
            first.correlate(EventStream).scalar_subquery(),
            told.correlate(EventStream).scalar_subquery(),
        ).where(EventStream.status == "enabled")
    )
    return _found((count, at and max(at, told_at or at)) for count, at, told_at in rows)


def unsealed_events() -> Pending:
    """Return the audit events that are not in the sealed chain yet."""
    return _pending(AuditEvent, AuditEvent.sequence.is_(None))


def _pending(events: Any, waits: ColumnElement[bool]) -> Pending:
    """Look account by account, since that is how the indexes are."""
    mine = select(events.id).where(events.account_id == Account.id, waits).correlate(Account)
    count = select(func.count()).select_from(mine.limit(COUNTED).subquery()).scalar_subquery()
    first = mine.with_only_columns(events.at).order_by(events.id).limit(1).scalar_subquery()
    rows = db.session.execute(select(count, first).select_from(Account))
    return _found((count, at) for count, at in rows)


def _found(each: Iterable[tuple[int, datetime | None]]) -> Pending:
    """Put together how many wait, and since when, of several."""
    pairs = list(each)
    oldest = [at for _, at in pairs if at is not None]
    return Pending(sum(count for count, _ in pairs), min(oldest, default=None))
