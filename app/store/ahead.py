"""Reading ahead: what comes next is read while what is there is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import current_app

T = TypeVar("T")


def read_ahead(read: Callable[[], list[T]]) -> Iterator[T]:
    """Return what a function returns each time, item by item, until it returns nothing.

    :param read: Is called once ahead, in a thread of its own with a connection of its own. What it
        raises, the caller gets in its turn.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def read_there() -> list[T]:
        with app.app_context():
            return read()

    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(read_there)
        while some := reading.result():
            reading = thread.submit(read_there)
            yield from some
