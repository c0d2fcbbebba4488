"""What the tests of faults need: databases on the disk, and servers to do harm to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.store.database import close_database, upgrade_database
from tests.conftest import make_app
from tests.postgres import (
    Postgres,
    PostgresMissing,
    create_database,
    database_at,
    running_postgres,
)


@pytest.fixture(scope="session")
def lasting_postgres() -> Iterator[Postgres]:
    """A server that waits for the disk, as in earnest, with a migrated database ``template``."""
    try:
        with running_postgres(None, durable=True) as server:
            create_database(server.url, "template")
            migrate(database_at(server.url, "template"))
            yield server
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database on the disk: one in memory would bear anything."""
    if request.param == "sqlite":
        path = tmp_path / "gatehouse.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    return fresh(request.getfixturevalue("lasting_postgres"))


def fresh(server: Postgres, name: str = "gatehouse") -> str:
    """Return the URL of a new database of a server, with its tables."""
    create_database(server.url, name, template="template")
    return database_at(server.url, name)


def migrate(url: str) -> None:
    """Make the tables."""
    with make_app(url).app_context():
        upgrade_database()
        close_database()
