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
from pathlib import Path

OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60 "
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_wal_size=100MB"
)


class PostgresMissing(Exception):
    """There is no PostgreSQL server to start. The message says what to install."""


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Start a private PostgreSQL and yield the URL of its database ``postgres``.

    It listens on a free port of 127.0.0.1. As root it runs as the user ``postgres``, since
    PostgreSQL refuses to run as root.

    :raises PostgresMissing: When the server's programs are not installed.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-pg-", dir=_quickest_folder()))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    try:
        _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        server = [programs / "pg_ctl", "-D", data, "-w"]
        port = _free_port()
        _run(*server, "-l", folder / "log", "-o", f"{OPTIONS} -p {port}", "start")
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(*server, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quickest_folder() -> str | None:
    """Return the folder in memory, if it is there and large enough: a database is made a test."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1024**3
    return str(memory) if roomy else None


def _programs() -> Path:
    """Return the folder of initdb and pg_ctl: that on the path, or Debian's newest."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
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
