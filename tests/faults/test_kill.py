"""A process killed while it writes: what it acknowledged is there, and nothing is there by half."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.server import free_port, running_server
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare

KILLS = 2
WRITES = 60
"""At least as many are acknowledged between one kill and the next."""


def test_what_was_acknowledged_outlives_the_process(
    lasting_url: str, tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    port = free_port()
    with ExitStack() as stack:
        for number in range(KILLS + 1):
            with running_server(lasting_url, tmp_path, port=port, **TRUSTS_US) as server:
                if number == 0:
                    writers = stack.enter_context(load([server.url], token_of(server)))
                writers.wait_for(WRITES)
                if number < KILLS:
                    server.kill()
                else:
                    writers.stop()
    assert set(writers.ledger.statuses) <= {0, 200, 201, 204}
    assert writers.ledger.problems == set()
    written = compare(lasting_url, writers.ledger)
    print(written)
    assert written["acknowledged"] >= WRITES * (KILLS + 1) and written["lost"] == 0
