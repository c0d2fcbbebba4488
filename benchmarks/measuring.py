"""One client on one connection that is kept, and what it measures."""

from __future__ import annotations

import http.client
import json
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.cases import Ask

Next = Callable[[], Ask]
"""Returns the request to send next."""


class Refused(Exception):
    """A server answered something else than success."""


@dataclass
class Client:
    """Asks a server on 127.0.0.1, as any Python client does: by ``http.client``."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def seconds(self, ask: Ask) -> tuple[float, bytes]:
        """Return how long the answer took, to its last byte, and its body.

        :raises Refused: When it is no success.
        """
        body = None if ask.body is None else json.dumps(ask.body).encode()
        begun = time.perf_counter()
        self.connection.request(ask.method, ask.path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - begun
        if not 200 <= answer.status < 300:
            raise Refused(f"{ask.method} {ask.path}: {answer.status} {content[:300]!r}")
        return took, content

    def median(self, ask: Next, times: int) -> float:
        """Return the median of so many requests, in milliseconds; a few before warm up."""
        self.connection.close()  # A server may have closed one that was idle.
        for _ in range(max(2, times // 10)):
            self.seconds(ask())
        return statistics.median(self.seconds(ask())[0] for _ in range(times)) * 1000


def memory(pid: int) -> float:
    """Return what a process keeps in memory, in MB, but for the pages of a database's file.

    Those are the system's cache of the file: it takes them back when it needs them.
    """
    kept, counts = 0, True
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            counts = "gatehouse.sqlite3" not in rest
        elif name == "Rss:" and counts:
            kept += int(rest.split()[0])
    return kept / 1024


def durable_write(folder: Path) -> float:
    """Return the median of writing one row to SQLite and waiting for the disk, in milliseconds.

    No server that keeps what it acknowledges takes less for a write.
    """
    database = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE IF NOT EXISTS written (text)")

    def seconds() -> float:
        begun = time.perf_counter()
        database.execute("INSERT INTO written VALUES (?)", ("x" * 1000,))
        return time.perf_counter() - begun

    found = statistics.median(seconds() for _ in range(100)) * 1000
    database.close()
    return found
