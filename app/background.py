"""Threads of a server process, and how they end with it: what they have begun is handed on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, TypeVar

import structlog

if TYPE_CHECKING:
    from flask import Flask

T = TypeVar("T")
log = structlog.get_logger("gatehouse")
END_SECONDS = 5.0
"""How long a process that stops waits for its background work, beyond the requests in flight."""


class Background:
    """A thread that works until it is told to end.

    :param work: Is given the event that tells it to.
    :param hand_on: Called when the thread has not ended in time, to let others have what it does.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[threading.Event], None],
        hand_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._stop = threading.Event()
        self._hand_on = hand_on
        self._thread = threading.Thread(target=work, args=(self._stop,), name=name, daemon=True)
        self._thread.start()

    def tell(self) -> None:
        """Tell it to end, and don't wait for it."""
        self._stop.set()

    def end(self, seconds: float = END_SECONDS) -> None:
        """Tell it to end, and wait for that; after a while it hands on what it does."""
        self.tell()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._hand_on()


def in_threads(
    app: Flask,
    what: str,
    every: float,
    at_once: int,
    claim: Callable[[], T | None],
    do: Callable[[T, threading.Event], None],
) -> Background:
    """Claim what waits from time to time, and do each in a thread of its own.

    At the end it waits for those that are busy, as :meth:`Background.end` allows, so that what
    they have done is noted.

    :param what: What it is, for names and the log.
    :param every: How often to look, in seconds.
    :param at_once: How many are done at the same time.
    :param do: Is given what was claimed, and the event that tells it to end.
    """

    def claimed() -> T | None:
        with app.app_context():
            try:
                return claim()
            except Exception as error:  # the database may be away for a while
                log.error(f"{what} not looked for", exc_info=error)
                return None

    def within(one: T, stop: threading.Event) -> None:
        with app.app_context():
            do(one, stop)

    def work(stop: threading.Event) -> None:
        busy: list[threading.Thread] = []
        while not stop.wait(every):
            busy = [each for each in busy if each.is_alive()]
            while not stop.is_set() and len(busy) < at_once and (one := claimed()) is not None:
                thread = threading.Thread(target=within, args=(one, stop), daemon=True)
                thread.start()
                busy.append(thread)
        for each in busy:
            each.join()

    return Background(f"gatehouse-{what}", work)


def when_told_to_stop(do: Callable[[], None]) -> None:
    """Do something, in a thread, as soon as this process gets the signal to stop.

    At its end would be too late for what requests in flight wait for. The handlers are Granian's,
    so Python is told to write the number of each signal to a pipe besides.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait() -> None:
        while os.read(reader, 1)[0] not in (signal.SIGINT, signal.SIGTERM):
            pass
        do()

    threading.Thread(target=wait, name="gatehouse-signals", daemon=True).start()


def end_without_parent(seconds: float) -> None:
    """Let this process stop when the one that started it has gone: nobody else would tell it to.

    :param seconds: How long requests in flight are waited for then.
    """
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        log.error("stopped, as the process that started this one has gone")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="gatehouse-parent", daemon=True).start()


def end_with_process(workers: Iterable[Background]) -> None:
    """End background work when the server process stops, after its last request.

    Granian's process is one of ``multiprocessing``, which calls no ``atexit``; and the signals
    are Granian's own.
    """
    mine = tuple(workers)

    def end() -> None:
        deadline = time.monotonic() + END_SECONDS
        for worker in mine:
            worker.tell()
        for worker in mine:
            worker.end(max(deadline - time.monotonic(), 0))

    Finalize(None, end, exitpriority=1)
