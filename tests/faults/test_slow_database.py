"""A database that lets nobody write: writes are answered in time, reads go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from sqlalchemy import create_engine

from tests.e2e.server import Server, running_server
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare

SECONDS = 3
"""How long a request waits here."""
THREADS = 4
WRITERS = 8
READS = 20
REFUSED = 40
LONGEST = 20.0
"""How long an answer may take at the most, on a busy machine."""


@contextmanager
def writing_locked(url: str) -> Iterator[None]:
    """Let nobody write until the block ends, as a backup or a migration may do."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        else:
            connection.exec_driver_sql("LOCK TABLE users IN SHARE MODE")
        yield
        connection.rollback()
    engine.dispose()


def test_writes_end_in_time_and_reads_go_on(lasting_url: str, tmp_path: Path) -> None:
    few = {"GATEHOUSE_DATABASE_SECONDS": str(SECONDS), "GATEHOUSE_THREADS": str(THREADS)}
    with running_server(lasting_url, tmp_path, **TRUSTS_US, **few) as server:
        token = token_of(server)
        with writing_locked(lasting_url), load([server.url], token, WRITERS) as writers:
            writers.wait_for_failures(503, THREADS)  # So long all threads may wait.
            begun = time.monotonic()
            writers.wait_for_failures(503, REFUSED)
            told_in = time.monotonic() - begun
            took = [_read(server, token) for _ in range(READS)]
        with load([server.url], token) as later:
            later.wait_for(THREADS)
    for each in (writers, later):
        assert set(each.ledger.statuses) <= {200, 201, 204, 503}
        assert each.ledger.problems == set() and each.ledger.slowest < LONGEST
    assert max(took) < LONGEST
    # Most are told at once, and one at a time waits, to see when it is over: if all did, as many
    # would take as long as this.
    assert told_in < REFUSED / THREADS * SECONDS
    assert compare(lasting_url, later.ledger)["lost"] == 0


def _read(server: Server, token: str) -> float:
    """Read something, and return how many seconds it took."""
    at = time.monotonic()
    url, bearer = f"{server.url}/scim/v2/Users?count=1", {"Authorization": f"Bearer {token}"}
    assert requests.get(url, headers=bearer, timeout=LONGEST).status_code == 200
    return time.monotonic() - at
