"""Events are pushed to their receivers by the server processes, each stream by one at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from app.background import Background

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

    def work(stop: threading.Event) -> None:
        busy: list[threading.Thread] = []
        while not stop.wait(LOOK_EVERY):
            busy = [each for each in busy if each.is_alive()]
            while len(busy) < AT_ONCE and (turn := _claim(app)) is not None:
                thread = threading.Thread(target=_within, args=(app, turn), daemon=True)
                thread.start()
                busy.append(thread)

    return Background("gatehouse-events", work)


def run_all() -> list[str]:
    """Push what waits now, one stream after the other, and return which were."""
    from app.directory import deliveries

    done = []
    while (turn := deliveries.claim_next()) is not None:
        take_turn(turn)
        done.append(f"events to {turn.endpoint}")
    return done


def take_turn(turn: Turn) -> None:
    """Push what waits in a stream. Whatever goes wrong, it is tried again later."""
    from contextlib import suppress

    from sqlalchemy.exc import OperationalError

    from app.directory import deliveries, pushing

    try:
        pushing.take_turn(turn)
    except OperationalError as error:  # The database is away for a while. Then somebody goes on.
        log.error("events interrupted", stream=turn.stream_id, exc_info=error)
    except Exception as error:
        log.error("events failed", stream=turn.stream_id, exc_info=error)
        problem = pushing.Failure(type(error).__name__)
        with suppress(deliveries.Lost):
            wait = pushing.wait_after(turn.failures, problem)
            deliveries.note_failure(turn, problem.problem, wait)


def _claim(app: Flask) -> Turn | None:
    from app.directory import deliveries

    with app.app_context():
        try:
            return deliveries.claim_next()
        except Exception as error:  # the database may be away for a while
            log.error("events not looked for", exc_info=error)
            return None


def _within(app: Flask, turn: Turn) -> None:
    with app.app_context():
        take_turn(turn)
