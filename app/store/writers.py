"""While nobody can write, one at a time tries: the other threads serve those who read."""

from __future__ import annotations

from threading import get_ident
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.store.outages import is_outage, was_overtaken

NOTES_REST = 5.0
"""For how long after a failure nothing is written that nobody depends on, in seconds."""


class Writers:
    """Those who write at this moment, in one process."""

    def __init__(self) -> None:
        self._inside: set[int] = set()
        self._failed_at: float | None = None
        """When the last write failed as the database could not be had: it is away, full, or locked
        by somebody who takes long. None: it did not."""

    @property
    def are_stuck(self) -> bool:
        """Whether nothing could be written just now."""
        return self._failed_at is not None and monotonic() < self._failed_at + NOTES_REST

    def enter(self) -> None:
        """Begin to write.

        :raises sqlalchemy.exc.TimeoutError: When nobody can, and somebody finds out already
            whether that is over.
        """
        if self._failed_at is not None and self._inside:
            raise NoConnectionFree("Nothing can be written to the database for the moment.")
        self._inside.add(get_ident())

    def succeeded(self) -> None:
        self._failed_at = None

    def failed(self, error: BaseException, engine: Engine) -> None:
        stuck = is_outage(error, engine) and not was_overtaken(error)
        self._failed_at = monotonic() if stuck else None  # Others were refused by a rule of ours.

    def leave(self) -> None:
        self._inside.discard(get_ident())
