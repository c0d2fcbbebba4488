"""Handing events over to a receiver that asks for them (RFC 8936).

An event is offered until the receiver says that it has it, or why it does not want it. It may say
so in any order, so those settled after the cursor are noted one by one, within a bound.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from app.directory import deliveries
from app.directory.signing_keys import key_to_sign_with
from app.security.event_tokens import Event, events_of, token_of, wanted_of
from app.security.requests import settings
from app.security.secrets import digest
from app.store.database import db, write_transaction
from app.store.models import Account, DeadLetter, EventStream, OutgoingEvent
from app.store.prepared import prepared
from app.store.types import Id, Word, now

MOST_EVENTS = 100
"""How many events one answer has at the most, whatever is asked for."""
SEEN_LIMIT = 2_000
"""How many events one request looks at. So no more than these lie behind one that a receiver never
settles; then nothing new is offered."""
NAMED_LIMIT = 1_000
"""How many events one request may acknowledge or refuse."""
BATCH = 200


@dataclass(frozen=True)
class Polled:
    """A stream that is polled, as its receiver's token names it."""

    account_id: str
    id: str
    status: str
    hash: str
    """Of the secret it was asked with."""


@dataclass
class Offer:
    """What a receiver is handed over."""

    tokens: dict[str, str] = field(default_factory=dict)
    """By their ids (``jti``), in the order of the events."""
    more: bool = False


def identify(stream_id: str, secret: str) -> Polled | None:
    """Return the stream a receiver polls; None when the secret is not its."""
    if len(secret) > 256:
        return None
    hashed = digest(secret)
    row = _by_hash.first(hash=hashed)
    if row is None or row.id != stream_id:
        return None
    return Polled(row.account_id, row.id, row.status, hashed)


def has_news(stream: Polled) -> bool:
    """Tell whether there may be something to hand over. It writes nothing."""
    row = _news.first(account=stream.account_id, stream=stream.id)
    return row is not None and (row.cursor < row.event_sequence or row.asked_again is not None)


def poll(
    stream: Polled,
    acknowledged: Collection[str] = (),
    refused: Mapping[str, str] | None = None,
    limit: int = MOST_EVENTS,
) -> Offer:
    """Take what a receiver says of events it got, and return the next ones.

    :param acknowledged: Ids of events it has.
    :param refused: Why it does not want others, by id.
    :param limit: How many it wants now; none: it only acknowledges.
    """
    refused, limit = refused or {}, min(limit, MOST_EVENTS)
    with write_transaction():
        row = _locked(stream)
        if row is None:
            return Offer()
        settled = set(row.settled)
        settled |= _settle(stream, row.cursor, acknowledged, refused)
        cursor, events, more = _ahead(row, settled, limit)
        if row.status == "enabled":
            again = deliveries.asked_again(stream.account_id, stream.id, limit)
            events = [*again, *events][:limit]
        else:  # What a paused stream has not handed over is kept.
            events, more = [], False
        values = {"cursor": cursor, "settled": sorted(each for each in settled if each > cursor)}
        if acknowledged or refused:
            values["delivered_at"] = now()
        if values != {"cursor": row.cursor, "settled": row.settled}:
            this = (EventStream.account_id == stream.account_id, EventStream.id == stream.id)
            db.session.execute(update(EventStream).where(*this).values(values))
    return Offer(_tokens(row, events), more)


def _settle(
    stream: Polled, cursor: int, acknowledged: Collection[str], refused: Mapping[str, str]
) -> set[int]:
    """Note what a receiver says of events, and return the places of those after the cursor."""
    named = {*acknowledged, *refused}
    if not named:
        return set()
    query = select(OutgoingEvent.id, OutgoingEvent.sequence, OutgoingEvent.type).where(
        OutgoingEvent.account_id == stream.account_id, OutgoingEvent.id.in_(sorted(named))
    )
    known = db.session.execute(query).all()
    taken = [row.sequence for row in known if row.id not in refused]
    deliveries.drop(stream.account_id, stream.id, taken)
    known_refused = [row for row in known if row.id in refused]
    before = deliveries.tries_of(stream.account_id, stream.id, [r.sequence for r in known_refused])
    aside = [
        (row, refused[row.id])
        for row in known_refused
        if row.sequence > cursor or row.sequence in before
    ]
    if aside:
        deliveries.put_aside(stream.account_id, stream.id, aside)
    return {row.sequence for row in known if row.sequence > cursor}


def _ahead(row: Any, settled: set[int], limit: int) -> tuple[int, list[Event], bool]:
    """Return up to where all is settled, what is not, and whether that is not everything."""
    cursor = place = row.cursor
    offered: list[Event] = []
    at_cursor = True
    while True:
        events = deliveries.next_events(row.account_id, place, BATCH)
        for event in events:
            place = event.sequence
            if place in settled or not wanted_of(events_of(event), row.wanted):
                cursor = place if at_cursor else cursor
                continue
            at_cursor = False
            if len(offered) == limit:
                return cursor, offered, True
            offered.append(event)
        if len(events) < BATCH or place - row.cursor > SEEN_LIMIT:
            return cursor, offered, len(events) == BATCH


def _tokens(row: Any, events: list[Event]) -> dict[str, str]:
    if not events:
        return {}
    key = key_to_sign_with(settings().secret_key)
    told = {"issuer": settings().public_url, "audience": row.audience}
    found = {}
    for event in events:
        wanted = wanted_of(events_of(event), row.wanted) or events_of(event)
        found[event.id] = token_of(event, wanted, key, **told)
    return found


def _locked(stream: Polled) -> Any:
    """Return the row of a stream, which stays so until the transaction ends.

    None where there is none, or none any more with this secret: one may have waited for long.
    """
    query = select(EventStream.__table__).where(
        EventStream.account_id == stream.account_id,
        EventStream.id == stream.id,
        EventStream.hash == stream.hash,
    )
    return db.session.execute(query.with_for_update(key_share=True)).first()


@prepared
def _by_hash() -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(
        EventStream.account_id, EventStream.id, EventStream.status
    ).where(EventStream.hash == bindparam("hash", type_=Word))
    return query


@prepared
def _news() -> Select[*tuple[Any, ...]]:
    asked = select(DeadLetter.sequence).where(
        DeadLetter.account_id == EventStream.account_id,
        DeadLetter.stream_id == EventStream.id,
        deliveries.ASKED_AGAIN,
    )
    query: Select[*tuple[Any, ...]] = (
        select(
            EventStream.cursor,
            Account.event_sequence,
            asked.limit(1).scalar_subquery().label("asked_again"),
        )
        .join(Account, Account.id == EventStream.account_id)
        .where(
            EventStream.account_id == bindparam("account", type_=Id),
            EventStream.id == bindparam("stream", type_=Id),
            EventStream.status == "enabled",
        )
    )
    return query
