"""Files that are there whole or not at all: what is there already stays until the new one is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

OURS = 0o600
"""Only its owner reads and writes it."""
AS_USUAL = 0o666
"""Who reads and writes it is said by the umask."""


@contextmanager
def whole_file(path: Path, mode: int) -> Iterator[IO[bytes]]:
    """Open a file to write, which takes the place of the one there is when the block ends.

    When the block raises, nothing has changed. What is no file, such as a pipe, is written as it
    is.

    :param mode: ``OURS`` or ``AS_USUAL``.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        # Anew: in a folder of all, somebody may have put a file or a link of theirs there.
        made = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(made, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
