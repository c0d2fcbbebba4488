"""Temporary files, and a temporary database, which go where ``TMPDIR`` says: that may be full."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says where there is no room: of the disk, or of what of it one may have."""


class NoRoom(OSError):
    """There is no room left for temporary files."""

    def __init__(self) -> None:
        super().__init__(
            errno.ENOSPC,
            "There is no room left for temporary files. Make some, or set TMPDIR to a folder on "
            "another disk.",
        )

    def __str__(self) -> str:
        return str(self.strerror)


@contextmanager
def room() -> Iterator[None]:
    """Tell what goes wrong with temporary files from what goes wrong with the database.

    :raises NoRoom: When there is no room left for them.
    :raises OSError: When they cannot be used for another reason.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise NoRoom from error
        raise OSError(errno.EIO, str(error)) from error
    except OSError as error:
        if error.errno in FULL:
            raise NoRoom from error
        raise
