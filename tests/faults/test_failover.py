"""The way to PostgreSQL changes: a stand-by takes over, or connections are pooled before it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from tests.e2e.server import free_port, running_server
from tests.faults.conftest import fresh, migrate
from tests.faults.load import TRUSTS_US, Load, load, token_of
from tests.faults.truth import compare
from tests.postgres import Postgres, running_postgres, running_standby

WRITES = 60
REFUSED = 10
LONGEST = 20.0
POOL = 3
"""How many connections PgBouncer makes; each of two processes has more."""
END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'gatehouse'
"""
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
POOLER = """
[databases]
gatehouse = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
"""


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def check(url: str, writers: Load) -> None:
    ledger = writers.ledger
    assert set(ledger.statuses) <= {200, 201, 204, 409, 503}, ledger.statuses
    assert ledger.problems == set() and ledger.slowest < LONGEST
    assert compare(url, ledger)["lost"] == 0


def test_a_standby_takes_over(lasting_postgres: Postgres, tmp_path: Path) -> None:
    """As Patroni does it: the first server is gone, the second one is promoted.

    A commit waits for the stand-by, so nothing that was acknowledged is lost.
    """
    with running_postgres(None, durable=True) as first, running_standby(first) as second:
        migrate(first.url)
        waits = "ALTER SYSTEM SET synchronous_standby_names = '*'"
        execute(first.url, waits, "SELECT pg_reload_conf()")
        either = (
            f"postgresql+psycopg://postgres@/postgres?host=127.0.0.1:{first.port}"
            f"&host=127.0.0.1:{second.port}&target_session_attrs=read-write"
        )
        with running_server(either, tmp_path, **TRUSTS_US) as server:
            with load([server.url], token_of(server)) as writers:
                writers.wait_for(WRITES)
                first.stop()
                writers.wait_for_failures(503, 1)
                second.promote()
                writers.wait_for(WRITES)
            assert server.process.poll() is None
        check(second.url, writers)


def test_a_server_that_is_no_longer_written_to_is_left(
    lasting_postgres: Postgres, tmp_path: Path
) -> None:
    """Connections to it stay open, and each write on them fails (SQLSTATE 25006)."""
    url, read_only = (
        fresh(lasting_postgres),
        "ALTER DATABASE gatehouse SET default_transaction_read_only",
    )
    with ExitStack() as stack:
        server = stack.enter_context(running_server(url, tmp_path, **TRUSTS_US))
        writers = stack.enter_context(load([server.url], token_of(server)))
        writers.wait_for(WRITES)
        execute(lasting_postgres.url, f"{read_only} = on", END_CONNECTIONS)
        writers.wait_for_failures(503, REFUSED)
        execute(lasting_postgres.url, f"{read_only} = off")
        writers.wait_for(WRITES)
    check(url, writers)


@contextmanager
def running_pgbouncer(server: Postgres) -> Iterator[str]:
    """Pool the connections to a server by transaction; yield the URL to use in its place."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-pooler-"))
    (folder / "pgbouncer.ini").write_text(POOLER.format(server=server.port, port=port, pool=POOL))
    command = [str(PGBOUNCER), str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:  # It refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/gatehouse?prepare_threshold=none"
    try:
        for _ in range(100):
            try:
                execute(url.partition("?")[0], "SELECT 1")
                break
            except OperationalError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)


def test_two_processes_share_a_few_connections(lasting_postgres: Postgres, tmp_path: Path) -> None:
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed (Debian: scripts/install-test-packages.sh).")
    direct = fresh(lasting_postgres)
    with (
        running_pgbouncer(lasting_postgres) as pooled,
        running_server(pooled, tmp_path / "first", **TRUSTS_US) as first,
        running_server(pooled, tmp_path / "second", public_url=first.url, **TRUSTS_US) as second,
    ):
        with load([first.url, second.url], token_of(first), writers=8) as writers:
            writers.wait_for(WRITES * 3)
        assert writers.ledger.statuses.keys() <= {200, 201, 204}
    check(direct, writers)
