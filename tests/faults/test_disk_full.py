"""A full disk: who writes is told to come again, nothing is written by half, reads go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.server import Server, running_server
from tests.faults.conftest import migrate
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare
from tests.postgres import PostgresMissing, running_postgres

WRITES = 40
REFUSED = 10
LONGEST = 20.0
PIECE = 64 * 1024
"""So many bytes are written at a time to fill the disk."""


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own, where the user ``postgres`` may come too."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip(
            "A disk of its own cannot be mounted here: only root may, outside of containers."
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave nothing of a disk, until the block ends."""
    ballast = disk / "ballast"
    try:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(PIECE)) == PIECE:
                pass
        yield
    finally:
        ballast.unlink()


@pytest.fixture(params=["sqlite", "postgresql"])
def url_there(request: pytest.FixtureRequest, small_disk: Path) -> Iterator[str]:
    """A database on the small disk."""
    if request.param == "sqlite":
        path = small_disk / "gatehouse.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    try:
        with running_postgres(small_disk, durable=True) as server:
            migrate(server.url)
            yield server.url
    except PostgresMissing as missing:
        pytest.skip(str(missing))


def test_writes_are_refused_until_there_is_room(
    url_there: str, small_disk: Path, tmp_path: Path
) -> None:
    with running_server(url_there, tmp_path / "data", **TRUSTS_US) as server:
        token = token_of(server)
        with load([server.url], token) as writers:
            writers.wait_for(WRITES)
            with filled(small_disk):
                writers.wait_for_failures(503, REFUSED)
                assert _reads(server, token) == 200
            writers.wait_for(WRITES)
        assert server.process.poll() is None
    assert set(writers.ledger.statuses) <= {200, 201, 204, 503}, server.log.read_text()[-4000:]
    assert writers.ledger.problems == set()
    assert writers.ledger.slowest < LONGEST
    written = compare(url_there, writers.ledger)
    assert (written["lost"], written["written but not answered"]) == (0, 0)


def _reads(server: Server, token: str) -> int:
    url, bearer = f"{server.url}/scim/v2/Users?count=1", {"Authorization": f"Bearer {token}"}
    return requests.get(url, headers=bearer, timeout=LONGEST).status_code
