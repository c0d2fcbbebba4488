"""Files that are there whole or not at all: what is there already stays until the new one is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import IO

from app.upkeep import UpkeepError

OURS = 0o600
"""Only its owner reads and writes it."""
AS_USUAL = 0o666
"""Who reads and writes it is said by the umask."""


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that cannot be written there, before what is in it is made.

    :raises UpkeepError: When there is no such folder, or a file that is not to be overwritten.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UpkeepError(f"There is no folder {folder}. Make it, or name another.")
    # A link that leads nowhere counts: whoever made it would say where the file is written.
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise _there_already(path)


@contextmanager
def whole_file(path: Path, mode: int, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Open a file to write, which is put in its place when the block ends.

    When the block raises, nothing has changed. Of several that write to one place each writes its
    own. What is no file, such as a pipe, is written as it is.

    :param mode: ``OURS`` or ``AS_USUAL``; who could not read or write the file there still cannot.
    :raises UpkeepError: As :func:`check_place`, also when a file came there meanwhile.
    """
    check_place(path, overwrite=overwrite)
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    place = path.resolve()
    # A name nobody knows: in a folder of all, somebody could put a file or a link of theirs there.
    unfinished = place.with_name(f".gatehouse-{token_hex(8)}.unfinished")
    made = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(made, "wb") as file:
            if place.exists():
                os.fchmod(made, place.stat().st_mode & mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            unfinished.replace(place)
        else:
            _put(unfinished, place)
    finally:
        unfinished.unlink(missing_ok=True)


def _put(file: Path, place: Path) -> None:
    """Give a file its name, where there is none called so."""
    try:
        try:
            os.link(file, place)
        except FileExistsError:
            raise
        except OSError:  # Not every file system has links.
            place.touch(exist_ok=False)
            file.replace(place)
    except FileExistsError:
        raise _there_already(place) from None


def _there_already(path: Path) -> UpkeepError:
    return UpkeepError(f"{path} is there already. Choose another name, or add --force.")
