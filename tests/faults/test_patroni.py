"""Patroni makes another server lead under a load of writes, and HAProxy finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import running_server
from tests.faults.cluster import MISSING, Cluster, running_cluster
from tests.faults.conftest import migrate
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare
from tests.postgres import create_database, database_at

WRITES = 60
LONGEST = 20.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if MISSING:
        pytest.skip(f"{MISSING} not installed (Debian: scripts/install-test-packages.sh).")
    with running_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize("how", ["handed_over", "killed"])  # After the second one is alone.
def test_another_leads(cluster: Cluster, tmp_path: Path, how: str) -> None:
    first, second = cluster.wait_for("primary"), cluster.wait_for("synchronous")
    create_database(first.url, how)
    migrate(database_at(first.url, how))
    with running_server(database_at(cluster.url, how), tmp_path, **TRUSTS_US) as server:
        with load([server.url], token_of(server)) as writers:
            writers.wait_for(WRITES)
            if how == "killed":
                first.kill()
            else:
                first.hand_over()
            writers.wait_for_failures(503, 1)
            writers.wait_for(WRITES, seconds=120)
        assert server.process.poll() is None
    assert cluster.wait_for("primary") == second
    ledger = writers.ledger
    assert set(ledger.statuses) <= {200, 201, 204, 409, 503}, ledger.statuses
    assert ledger.problems == set() and ledger.slowest < LONGEST
    assert compare(database_at(second.url, how), ledger)["lost"] == 0
