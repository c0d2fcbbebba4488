"""Handing events over to a receiver by POST (RFC 8935): in order, until each is taken or given up.

A try that fails is done again, later and later. One event that a receiver does not take is put
aside after a while, so that it keeps no other from its way.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from app.directory import deliveries
from app.directory.deliveries import Lost, Turn
from app.directory.signing_keys import key_to_sign_with
from app.security.event_tokens import (
    TYPE,
    Event,
    events_of,
    token_of,
    verification_of,
    wanted_of,
)
from app.security.outbound import (
    PROBLEMS,
    Answer,
    BadUrl,
    NotPublic,
    Peer,
    UnknownName,
    problem_of,
)
from app.security.requests import settings
from app.security.secrets import SealError
from app.security.signing_keys import PrivateKey
from app.store.database import db, write_transaction
from app.store.types import new_id, now

BATCH = 100
"""How many events are read at a time."""
TURN_SECONDS = 10
"""After so long a stream waits for its next turn, so that each one has some."""
NOTE_EVERY = 1.0
"""How often it is noted how far a stream is, in seconds. What was taken after the last note is
handed over once more, under the same id, when a process dies."""
TRIES = 15
"""An event is put aside after so many tries: with the longest waits, after some four hours."""
TRIES_OF_REFUSED = 5
"""How often one is tried that the receiver itself refuses (RFC 8935 §2.3)."""
LONGEST_WAIT = timedelta(hours=1)
ANSWER_BYTES = 16_384
HEADER_LOST = (
    "its Authorization header was sealed with another secret key, so nothing is pushed: "
    "set the header anew"
)
NOT_PUSHED_TO = (
    "not an address that events are pushed to: one in a network of your own needs "
    "GATEHOUSE_RECEIVER_NETWORKS"
)
WAIT_FOR_HEADER = timedelta(minutes=1)
"""After so long it is looked whether the secret key is the right one again."""
REFUSED = 400


@dataclass(frozen=True)
class Failure:
    """Why a receiver did not take an event."""

    problem: str
    refused: bool = False
    """It said that it does not want this one; otherwise it, or the way to it, is not well."""
    retry_after: timedelta | None = None


def take_turn(turn: Turn, stop: threading.Event) -> None:
    """Push what waits in a stream, for a while. What becomes of it stands in its row.

    :param stop: When set, the turn ends after the event that is under way.
    """
    with suppress(Lost):
        try:
            authorization = deliveries.authorization_of(turn.stream_id, turn.sealed_authorization)
        except SealError:
            turn.failures = 0  # The receiver has done nothing wrong.
            deliveries.note_failure(turn, HEADER_LOST, WAIT_FOR_HEADER)
            return
        with _Receiver(turn.endpoint, authorization, turn.audience) as receiver:
            if _push_what_waits(turn, receiver, stop):
                deliveries.release(turn)


def _push_what_waits(turn: Turn, receiver: _Receiver, stop: threading.Event) -> bool:
    """Return whether the turn is still to be ended."""
    if turn.failures == 0:  # otherwise it is not well, and the next event says when it is
        _again(turn, receiver, stop)
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until and not stop.is_set():
        events = deliveries.next_events(turn.account_id, turn.cursor, BATCH)
        db.session.rollback()  # Nothing is held open while others are asked.
        if not events:
            turn.failures = 0  # What was not taken is not wanted any more.
            break
        if not _push(turn, receiver, events, stop):
            return False
    return True


def test(stream: Any) -> str | None:
    """Push an event that says nothing, and return why it was not taken; None: it was.

    :param stream: The row of one that pushes.
    """
    try:
        authorization = deliveries.authorization_of(stream.id, stream.sealed_authorization)
    except SealError:
        return HEADER_LOST
    with _Receiver(stream.endpoint, authorization, stream.audience) as receiver:
        failure = receiver.take(receiver.verification_of(stream.id))
    return failure.problem if failure else None


def _push(turn: Turn, receiver: _Receiver, events: list[Event], stop: threading.Event) -> bool:
    """Push events one after the other. Return whether the turn goes on."""
    noted = time.monotonic()
    for event in events:
        if stop.is_set():
            break
        if now() > turn.noted_at + deliveries.LEASE / 2:
            deliveries.note_delivered(turn)
        token = receiver.token_of(event, turn.wanted)
        failure = receiver.take(token) if token else None
        if failure is not None:
            tries = TRIES_OF_REFUSED if failure.refused else TRIES
            if turn.failures + 1 < tries:
                wait = wait_after(turn.failures, failure)
                deliveries.note_failure(turn, failure.problem, wait)
                return False
            deliveries.give_up(turn, event, failure.problem)
            continue
        turn.cursor = event.sequence
        if token:
            turn.failures = turn.dead_in_a_row = 0
            turn.delivered_at = now()
        if time.monotonic() - noted > NOTE_EVERY:
            deliveries.note_delivered(turn)
            noted = time.monotonic()
    deliveries.note_delivered(turn)
    return True


def _again(turn: Turn, receiver: _Receiver, stop: threading.Event) -> None:
    """Push what was not taken once, and somebody wants to be tried again."""
    letters = deliveries.asked_again(turn.account_id, turn.stream_id, BATCH)
    db.session.rollback()
    for event in letters:
        if stop.is_set():
            return
        token = receiver.token_of(event, turn.wanted)
        failure = receiver.take(token) if token else None
        with write_transaction():
            if failure is None:
                deliveries.drop(turn.account_id, turn.stream_id, [event.sequence])
            else:
                refused = [(event, failure.problem)]
                deliveries.put_aside(turn.account_id, turn.stream_id, refused)
            deliveries.note(turn)
        if failure is not None and not failure.refused:
            return


def wait_after(failures: int, failure: Failure) -> timedelta:
    """Return how long to wait after a try: twice as long each time, and never all at once.

    :param failures: How many tries have failed before this one.
    """
    longest = min(timedelta(seconds=2 ** min(failures, 20)), LONGEST_WAIT)
    wait = longest * random.uniform(0.5, 1)  # noqa: S311 - nobody gains by guessing it
    return max(wait, min(failure.retry_after or wait, LONGEST_WAIT))


class _Receiver:
    """Where a stream is pushed to, for one turn."""

    def __init__(self, endpoint: str, authorization: str | None, audience: str) -> None:
        self._told = {"issuer": settings().public_url, "audience": audience}
        self._headers = {
            "Content-Type": f"application/{TYPE}",
            "Accept": "application/json",
            "User-Agent": "Gatehouse",
        } | ({"Authorization": authorization} if authorization else {})
        self._key: PrivateKey = key_to_sign_with(settings().secret_key)
        self._peer: Peer | None = None
        self._endpoint = endpoint

    def __enter__(self) -> _Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.__exit__()

    def token_of(self, event: Event, wanted: Collection[str]) -> str | None:
        """Return the token of an event; None: nobody wants it."""
        events = wanted_of(events_of(event), wanted)
        return token_of(event, events, self._key, **self._told) if events else None

    def verification_of(self, stream_id: str) -> str:
        return verification_of(new_id(), stream_id, now(), self._key, **self._told)

    def take(self, token: str) -> Failure | None:
        """Hand a token over. None: it was taken."""
        try:
            if self._peer is None:
                self._peer = Peer(self._endpoint, settings().receiver_networks)
            answer = self._peer.ask("POST", self._headers, token.encode(), limit=ANSWER_BYTES)
        except BadUrl:
            return Failure(NOT_PUSHED_TO)
        except NotPublic:
            return Failure("not a public address (GATEHOUSE_RECEIVER_NETWORKS)")
        except UnknownName as error:
            return Failure(str(error))
        except PROBLEMS as error:
            return Failure(problem_of(error))
        return None if 200 <= answer.status < 300 else _failure(answer)


def _failure(answer: Answer) -> Failure:
    """Return what an answer says that is no yes (RFC 8935 §2.3)."""
    said: Any = None
    with suppress(ValueError):
        said = orjson.loads(answer.body)
    if answer.status == REFUSED and isinstance(said, dict) and isinstance(said.get("err"), str):
        description = said.get("description")
        more = f": {description}" if description and isinstance(description, str) else ""
        return Failure(plain(f"{said['err']}{more}"), refused=True)
    seconds = answer.headers.get("retry-after", "")
    wait = timedelta(seconds=int(seconds)) if seconds.isdigit() and len(seconds) < 7 else None
    return Failure(f"answered {answer.status}", retry_after=wait)


def plain(text: str) -> str:
    """Return a text of a receiver as it can be kept and shown."""
    return "".join(each if each.isprintable() else " " for each in text)[:500]
