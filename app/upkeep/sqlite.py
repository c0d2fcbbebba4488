"""Copies of an SQLite file, while others write to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from app.settings import file_of
from app.store.database import make_private
from app.upkeep import UpkeepError

BUSY_SECONDS = 15
"""How long another one who writes is waited for."""


def dump(url: str, target: Path) -> None:
    """Copy the database, as it is at one moment, into a new file; others write meanwhile."""
    source = path_of(url)
    if not source.exists():
        raise UpkeepError(f"There is no database to copy: {source}")
    _copy(source, target)


def is_empty(url: str) -> bool:
    """Tell whether there is nothing yet that restoring would overwrite."""
    path = path_of(url)
    if not path.exists():
        return True
    with closing(_connect(path)) as connection:
        found: tuple[int] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return found == (0,)


def load(copy: Path, url: str) -> None:
    """Put a copy in the place of the database, in one step for all that look at it."""
    path_of(url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(path_of(url))
    _copy(copy, path_of(url))


def url_of(copy: Path) -> str:
    """Return the URL of a file."""
    return f"sqlite:///{copy.resolve()}"


def path_of(url: str) -> Path:
    """Return the file of a database."""
    path = file_of(url)
    if path is None:
        raise UpkeepError("A database in memory cannot be copied.")
    return path


def _copy(source: Path, target: Path) -> None:
    with closing(_connect(source)) as one, closing(_connect(target)) as other:
        one.backup(other)  # All pages at once: in parts, each write would make it begin anew.


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS)
