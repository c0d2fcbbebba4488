"""A PostgreSQL of the tests' own: made in a temporary folder, gone when the tests end."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine

DURABLE = "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
OPTIONS = (
    f"{DURABLE} -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_wal_size=100MB "
    # Every test plans with what it has the database analyze itself, whenever it runs.
    "-c autovacuum=off"
)

MUCH = 1024 * 1024
"""In bytes, deleted rows included: these slow down what reads the table."""
END_TRANSACTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
WRITTEN_TABLES = """
SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
"""
STATE_OF_TABLES = """
SELECT
  count(*), max(xmin::text::bigint), sum(reltuples), to_regclass('alembic_version') AS migrations
FROM pg_class
"""


class PostgresMissing(Exception):
    """There is no PostgreSQL server to start. The message says what to install."""


class RenewedDatabase:
    """A copy of the database ``template`` of a server, for one test after the other.

    To make a copy takes longer than most tests, and so does connecting to it. So what a test wrote
    is deleted, and who is connected stays; a new copy is made when there is more to undo.
    """

    def __init__(self, server_url: str) -> None:
        self.url = database_at(server_url, "renewed")
        self._server_url = server_url
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._tables: object = None

    def renew(self) -> None:
        """Make it equal to the template."""
        if self._tables is not None and self._empty():
            return
        create_database(self._server_url, "renewed", template="template")
        with self._engine.connect() as connection:
            self._tables = _state_of_tables(connection)

    def _empty(self) -> bool:
        """Delete all rows; return False when that is not enough, or they are too many."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(END_TRANSACTIONS)
            written = dict(connection.exec_driver_sql(WRITTEN_TABLES).all())
            if sum(written.values()) > MUCH or _state_of_tables(connection) != self._tables:
                return False
            connection.exec_driver_sql("SET session_replication_role = replica")  # in any order
            for name in written:
                connection.exec_driver_sql(f"DELETE FROM {name}")
        return True


def _state_of_tables(connection: Connection) -> object:
    """Return what is another one when a table was made, changed, analyzed, dropped or migrated."""
    state = connection.exec_driver_sql(STATE_OF_TABLES).one()
    if state.migrations is None:
        return None
    return state, connection.exec_driver_sql("SELECT xmin::text, * FROM alembic_version").all()


def create_database(server_url: str, name: str, *, template: str = "template1") -> None:
    """Create a database, in the place of one of that name."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    engine.dispose()


def database_at(server_url: str, name: str) -> str:
    """Return the URL of a database of the server."""
    return server_url.rsplit("/", 1)[0] + f"/{name}"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server of the tests' own, that can be stopped and started again."""

    url: str
    """Of its database ``postgres``."""
    data: Path
    options: str

    def start(self) -> None:
        log = self.data.with_name("log")
        _run(*self._control(), "-l", log, "-o", self.options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash does: who is connected is not waited for."""
        _run(*self._control(), "-m", "immediate", "stop")

    def promote(self) -> None:
        """Let a stand-by take over."""
        _run(*self._control(), "promote")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    @property
    def is_running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def _control(self) -> list[str | Path]:
        return [programs() / "pg_ctl", "-D", self.data, "-w"]


@contextmanager
def temporary_postgres(*, durable: bool = False) -> Iterator[str]:
    """Start a private PostgreSQL and yield the URL of its database ``postgres``.

    :param durable: On the disk, which it waits for, as a server in earnest does.
    :raises PostgresMissing: When the server's programs are not installed.
    """
    with running_postgres(None if durable else quickest_folder(), durable=durable) as server:
        yield server.url


@contextmanager
def running_postgres(place: Path | str | None, *, durable: bool) -> Iterator[Postgres]:
    """Start a private PostgreSQL on a free port of 127.0.0.1, and stop it at the end.

    As root it runs as the user ``postgres``, since PostgreSQL refuses to run as root.

    :param place: Where its folder is made; None: with other temporary ones.
    :param durable: It waits for the disk.
    :raises PostgresMissing: When the server's programs are not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-pg-", dir=place))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", _free_port()
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    server = Postgres(url, data, f"{DURABLE if durable else OPTIONS} -p {port}")
    try:
        _run(programs() / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        server.start()
        try:
            yield server
        finally:
            if server.is_running:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_standby(primary: Postgres) -> Iterator[Postgres]:
    """Start a copy of a server, beside it, that follows what is written there."""
    data, port = primary.data.with_name("standby"), _free_port()
    source = f"host=127.0.0.1 port={primary.port} user=postgres"
    _run(programs() / "pg_basebackup", "-D", data, "-d", source, "-R", "-X", "stream", "-c", "fast")
    url = primary.url.replace(f":{primary.port}/", f":{port}/")
    standby = Postgres(url, data, f"{DURABLE} -p {port}")
    standby.start()
    try:
        yield standby
    finally:
        standby.stop()


def quickest_folder() -> str | None:
    """Return the folder in memory, if it is there and large enough: a database is made a test."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1024**3
    return str(memory) if roomy else None


def programs() -> Path:
    """Return the folder of initdb and pg_ctl: that on the path, or Debian's newest."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent  # Beside a link the others may be missing.
    installed = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    newest = max(installed, key=lambda path: int(re.sub(r"\D", "", path.parts[4])), default=None)
    if newest is None:
        raise PostgresMissing("PostgreSQL is not installed (Debian: apt-get install postgresql).")
    return newest.parent


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _run(*command: str | Path) -> None:
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run(
        [*prefix, *map(str, command)],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
