"""Patroni makes another server lead under a load of writes, and HAProxy finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.server import running_server
from tests.faults.cluster import MISSING, Cluster, Member, running_cluster
from tests.faults.conftest import migrate
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare
from tests.postgres import create_database, database_at

WRITES = 60
LONGEST = 20.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    if MISSING:
        pytest.skip(f"{MISSING} not installed (Debian: scripts/install-test-packages.sh).")
    with running_cluster() as cluster:
        yield cluster


def test_another_leads(cluster: Cluster, tmp_path: Path) -> None:
    """First it is handed over, as before maintenance; then the machine that leads is gone."""
    leads_after(cluster, tmp_path / "handed_over", Member.hand_over)
    leads_after(cluster, tmp_path / "killed", Member.kill)


def leads_after(cluster: Cluster, folder: Path, what: Callable[[Member], None]) -> None:
    first, second, name = cluster.wait_for("primary"), cluster.wait_for("synchronous"), folder.name
    create_database(first.url, name)
    migrate(database_at(first.url, name))
    with running_server(database_at(cluster.url, name), folder, **TRUSTS_US) as server:
        with load([server.url], token_of(server)) as writers:
            writers.wait_for(WRITES)
            what(first)
            writers.wait_for_failures(503, 1)
            writers.wait_for(WRITES, seconds=120)
        assert server.process.poll() is None
    assert cluster.wait_for("primary") == second
    ledger = writers.ledger
    assert set(ledger.statuses) <= {200, 201, 204, 409, 503}, ledger.statuses
    assert ledger.problems == set() and ledger.slowest < LONGEST
    assert compare(database_at(second.url, name), ledger)["lost"] == 0
