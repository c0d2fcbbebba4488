"""Long operations are carried on by the server processes, each by one of them at a time.

What is asked for begins within a second or so, in whichever process looks first; what a process
that is gone has left goes on in another one.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog

from app.background import Background, in_threads
from app.words import say

if TYPE_CHECKING:
    from flask import Flask

    from app.directory.operations import Operation

LOOK_EVERY = 1.0
"""How often a process looks for what waits, in seconds."""
AT_ONCE = 4
"""How many operations one process carries on at the same time."""
FAULT = say("Something went wrong here. The log of the server says what.")
log = structlog.get_logger("gatehouse")


class Stopping(Exception):
    """The process stops: somebody else goes on."""


def start(app: Flask) -> Background:
    """Carry on what waits, in threads, until they are told to end; then others may go on."""
    from app.directory.operations import claim_next

    def do(operation: Operation, stop: threading.Event) -> None:
        operation.watch = partial(_go_on_unless, stop)
        carry_on(operation)

    return in_threads(app, "operations", LOOK_EVERY, AT_ONCE, claim_next, do)


def _go_on_unless(stop: threading.Event, _operation: Operation) -> None:
    """Leave a step, of which nothing is kept then, when the process stops."""
    if stop.is_set():
        raise Stopping


def carry_on(operation: Operation) -> None:
    """Carry an operation on as far as it goes. What becomes of it stands in its row."""
    from flask import current_app

    from app.directory import operations
    from app.directory.errors import DirectoryError
    from app.store.database import db
    from app.store.outages import is_outage

    performers = current_app.extensions["gatehouse_operations"]
    try:
        performers[operation.kind](operation)
        return
    except operations.Lost:  # It was cancelled, or another process has it.
        return
    except Stopping:
        operations.release(operation)
        return
    except DirectoryError as error:
        reason = error.sentence
    except Exception as error:
        if is_outage(error, db.engine):  # The database is away for a while. Then somebody goes on.
            log.error("operation interrupted", operation=operation.id, exc_info=error)
            return
        log.error("operation failed", operation=operation.id, exc_info=error)
        reason = FAULT
    with suppress(operations.Lost):
        operations.finish(operation, reason)


def run_all() -> list[str]:
    """Carry on what waits, one after the other, and return what was."""
    from app.directory import operations

    done = []
    while (operation := operations.claim_next()) is not None:
        carry_on(operation)
        done.append(f"{operation.kind} of {operation.name}")
    return done
