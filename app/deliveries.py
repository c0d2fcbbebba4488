"""Events are pushed to their receivers by the server processes, each stream by one at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from app.background import Background, in_threads

if TYPE_CHECKING:
    from flask import Flask

    from app.directory.deliveries import Turn

LOOK_EVERY = 0.5
"""How often a process looks for events to push, in seconds."""
AT_ONCE = 4
"""To how many receivers one process pushes at the same time."""
log = structlog.get_logger("gatehouse")


def start(app: Flask) -> Background:
    """Push what waits, in threads, until they are told to end; what they were at goes on later."""
    from app.directory.deliveries import claim_next

    return in_threads(app, "events", LOOK_EVERY, AT_ONCE, claim_next, take_turn)


def run_all() -> list[str]:
    """Push what waits now, one stream after the other, and return which were."""
    from app.directory import deliveries

    done = []
    while (turn := deliveries.claim_next()) is not None:
        take_turn(turn, threading.Event())
        done.append(f"events to {turn.endpoint}")
    return done


def take_turn(turn: Turn, stop: threading.Event) -> None:
    """Push what waits in a stream. Whatever goes wrong, it is tried again later."""
    from contextlib import suppress

    from app.directory import deliveries, pushing
    from app.store.database import db
    from app.store.outages import is_outage

    try:
        pushing.take_turn(turn, stop)
    except Exception as error:
        if is_outage(error, db.engine):  # The database is away for a while. Then somebody goes on.
            log.error("events interrupted", stream=turn.stream_id, exc_info=error)
            return
        log.error("events failed", stream=turn.stream_id, exc_info=error)
        problem = pushing.Failure(type(error).__name__)
        with suppress(deliveries.Lost):
            wait = pushing.wait_after(turn.failures, problem)
            deliveries.note_failure(turn, problem.problem, wait)
