"""Threads of a server process, and how they end with it: what they have begun is handed on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing.util import Finalize

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
