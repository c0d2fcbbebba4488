"""How far each stream of events is: who works on it, what comes next, what was not taken.

A stream goes on from its cursor, event by event, in the order in which the account's transactions
were done. Who works on one that pushes holds a lease; what they note after somebody else has taken
the stream, or changed it, is refused (:class:`Lost`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, or_, select, text, update
from sqlalchemy.orm import aliased

from app.directory import streams
from app.directory.work import Actor, transaction
from app.security.event_tokens import Event
from app.security.requests import settings
from app.security.secrets import unseal
from app.store.bulk import insert_rows
from app.store.database import db, table, write_transaction
from app.store.models import Account, AuditEvent, DeadLetter, EventStream, OutgoingEvent
from app.store.types import new_id, now

LEASE = timedelta(seconds=30)
"""Who has noted nothing for so long is taken to be gone; longer than any one try takes."""
DEAD_LIMIT = 20
"""After so many events given up in a row a stream is paused: it is not the events."""
LONGEST_TEXT = 500
SYSTEM = Actor(type="system", name="events", surface="cli")
ASKED_AGAIN = text("dead_letters.asked_again_at IS NOT NULL")
"""As a literal: otherwise no index of a part of the table is found."""


class Lost(Exception):
    """This process has the stream no more: it was changed, or another one has taken it."""


@dataclass
class Turn:
    """A stream that this process pushes."""

    account_id: str
    stream_id: str
    runner: str
    endpoint: str
    sealed_authorization: str | None
    audience: str
    wanted: list[str]
    cursor: int
    failures: int
    dead_in_a_row: int
    noted_at: datetime
    delivered_at: datetime | None = None
    """When the receiver took an event, within this turn."""


def claim_next() -> Turn | None:
    """Take a stream that has something to push; None: there is none.

    Of the accounts that are worked for least one that has waited longest.
    """
    at = now()
    free = (
        EventStream.delivery == "push",
        EventStream.status == "enabled",
        or_(EventStream.next_try_at.is_(None), EventStream.next_try_at <= at),
        or_(EventStream.leased_until.is_(None), EventStream.leased_until <= at),
    )
    asked_again = exists().where(
        DeadLetter.account_id == EventStream.account_id,
        DeadLetter.stream_id == EventStream.id,
        ASKED_AGAIN,
    )
    busy = aliased(EventStream)
    worked_for = (
        select(func.count())
        .select_from(busy)
        .where(busy.account_id == EventStream.account_id, busy.leased_until > at)
        .scalar_subquery()
    )
    db.session.rollback()
    # Read first: most times there is none, and a write would make others wait.
    found = (
        select(EventStream.account_id, EventStream.id)
        .join(Account, Account.id == EventStream.account_id)
        .where(*free, or_(EventStream.cursor < Account.event_sequence, asked_again))
        .order_by(worked_for, EventStream.worked_at)
    )
    one = db.session.execute(found.limit(1)).first()
    db.session.rollback()
    if one is None:
        return None
    taken = {"runner": new_id(), "leased_until": at + LEASE, "worked_at": at}
    query = (
        update(EventStream)
        .where(EventStream.account_id == one.account_id, EventStream.id == one.id, *free)
        .values(taken)
        .returning(EventStream.__table__)
    )
    with write_transaction():
        row = db.session.execute(query).first()
    return None if row is None else _turn(row, at)


def authorization_of(stream_id: str, sealed: str | None) -> str | None:
    """Return the header a stream pushes with.

    :raises SealError: When it was sealed with another secret key. Then nothing must be pushed.
    """
    return unseal(settings().secret_key, stream_id, sealed) if sealed else None


def _turn(row: Any, at: datetime) -> Turn:
    return Turn(
        account_id=row.account_id,
        stream_id=row.id,
        runner=row.runner,
        endpoint=row.endpoint,
        sealed_authorization=row.sealed_authorization,
        audience=row.audience,
        wanted=row.wanted,
        cursor=row.cursor,
        failures=row.failures,
        dead_in_a_row=row.dead_in_a_row,
        noted_at=at,
    )


def next_events(account_id: str, cursor: int, limit: int) -> list[Event]:
    """Return the events after a place, in order."""
    query = _events().where(OutgoingEvent.account_id == account_id, OutgoingEvent.sequence > cursor)
    rows = db.session.execute(query.order_by(OutgoingEvent.sequence).limit(limit)).all()
    return [_event(row) for row in rows]


def asked_again(account_id: str, stream_id: str, limit: int) -> list[Event]:
    """Return the events that are to be tried again, in order."""
    query = (
        _events()
        .join(
            DeadLetter,
            (DeadLetter.account_id == OutgoingEvent.account_id)
            & (DeadLetter.sequence == OutgoingEvent.sequence),
        )
        .where(DeadLetter.account_id == account_id, DeadLetter.stream_id == stream_id, ASKED_AGAIN)
    )
    rows = db.session.execute(query.order_by(DeadLetter.sequence).limit(limit)).all()
    return [_event(row) for row in rows]


def note(turn: Turn, **values: Any) -> None:
    """Note how far a stream is, in the transaction there is.

    :raises Lost: When this process has it no more; then nothing of the transaction may be kept.
    """
    at = now()
    reached: dict[str, Any] = {"leased_until": at + LEASE, "cursor": turn.cursor}
    reached |= {"failures": turn.failures, "dead_in_a_row": turn.dead_in_a_row}
    if turn.delivered_at is not None:
        reached["delivered_at"] = turn.delivered_at
    query = (
        update(EventStream)
        .where(
            EventStream.account_id == turn.account_id,
            EventStream.id == turn.stream_id,
            EventStream.runner == turn.runner,
            EventStream.status == "enabled",
        )
        .values(reached | values)
        .returning(EventStream.id)
    )
    if db.session.scalar(query) is None:
        raise Lost
    turn.noted_at = at


def note_delivered(turn: Turn) -> None:
    """Note that all events up to the turn's cursor were taken, or were not wanted.

    :raises Lost: As :func:`note`.
    """
    with write_transaction():
        note(turn, problem=None, next_try_at=None)


def note_failure(turn: Turn, problem: str, wait: timedelta) -> None:
    """Note that the next event could not be handed over, and when to try again. It ends the turn.

    :raises Lost: As :func:`note`.
    """
    turn.failures += 1
    with write_transaction():
        note(
            turn,
            problem=problem[:LONGEST_TEXT],
            next_try_at=now() + wait,
            runner=None,
            leased_until=None,
        )


def give_up(turn: Turn, event: Event, error: str) -> None:
    """Put an event aside and go on with the next one. After many in a row the stream is paused.

    :raises Lost: As :func:`note`.
    """
    turn.cursor, turn.failures = event.sequence, 0
    turn.dead_in_a_row += 1
    with write_transaction():
        put_aside(turn.account_id, turn.stream_id, [(event, error)])
        note(turn, problem=error[:LONGEST_TEXT], next_try_at=None)
    if turn.dead_in_a_row >= DEAD_LIMIT:
        with transaction(turn.account_id, SYSTEM) as work:
            streams.set_status(work, turn.stream_id, "paused", error[:LONGEST_TEXT])
        raise Lost


def release(turn: Turn) -> None:
    """End a turn; somebody goes on with the stream when there is more.

    :raises Lost: As :func:`note`.
    """
    with write_transaction():
        note(turn, runner=None, leased_until=None)


def put_aside(account_id: str, stream_id: str, refused: Sequence[tuple[Any, str]]) -> None:
    """Keep events that a receiver did not take, or once more did not take.

    :param refused: What has the ``id``, ``sequence`` and ``type`` of an event, and why.
    """
    tries = tries_of(account_id, stream_id, [event.sequence for event, _ in refused])
    drop(account_id, stream_id, list(tries))
    rows = [
        {
            "account_id": account_id,
            "stream_id": stream_id,
            "sequence": event.sequence,
            "event_id": event.id,
            "type": event.type,
            "error": error[:LONGEST_TEXT],
            "tries": tries.get(event.sequence, 0) + 1,
            "died_at": now(),
        }
        for event, error in refused
    ]
    insert_rows(table(DeadLetter), rows)


def drop(account_id: str, stream_id: str, sequences: Sequence[int]) -> None:
    """Forget that events were not taken."""
    if sequences:
        db.session.execute(
            delete(DeadLetter).where(
                DeadLetter.account_id == account_id,
                DeadLetter.stream_id == stream_id,
                DeadLetter.sequence.in_(sequences),
            )
        )


def tries_of(account_id: str, stream_id: str, sequences: Sequence[int]) -> dict[int, int]:
    """Return how often those of some events were tried that were not taken, by sequence."""
    query = select(DeadLetter.sequence, DeadLetter.tries).where(
        DeadLetter.account_id == account_id,
        DeadLetter.stream_id == stream_id,
        DeadLetter.sequence.in_(sequences),
    )
    return {row.sequence: row.tries for row in db.session.execute(query)}


def _events() -> Select[*tuple[Any, ...]]:
    return select(
        *(OutgoingEvent.account_id, OutgoingEvent.id, OutgoingEvent.sequence, OutgoingEvent.at),
        *(OutgoingEvent.type, OutgoingEvent.payload, AuditEvent.target_name, AuditEvent.before),
        *(AuditEvent.request_id, AuditEvent.actor_type, AuditEvent.actor_id),
    ).outerjoin(  # Both say the same, under the same id.
        AuditEvent,
        (AuditEvent.account_id == OutgoingEvent.account_id) & (AuditEvent.id == OutgoingEvent.id),
    )


def _event(row: Any) -> Event:
    target = row.payload["target"]
    themselves = row.actor_type == "user" and row.actor_id == target["id"]
    return Event(
        account_id=row.account_id,
        id=row.id,
        sequence=row.sequence,
        at=row.at,
        type=row.type,
        target_type=target["type"],
        target_id=target["id"],
        target_name=row.target_name or "",
        before=row.before,
        after=row.payload["after"],
        txn=row.request_id or row.id,
        by="user" if themselves else "system" if row.actor_type == "system" else "admin",
    )
