"""The file of a backup: a compressed tar with a manifest, a database, and the secret key if asked.

The manifest comes first, so that it is read at once. It names the SHA-256 of each other part: what
was damaged or cut off is refused before anything is restored from it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from app.upkeep import UpkeepError
from app.upkeep.whole import OURS, whole_file

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
SECRET_KEY = "secret_key"  # noqa: S105 - the name of a part
LARGEST_MANIFEST = 1024 * 1024
CHUNK = 1024 * 1024
COMPRESSION = 1
"""Level of gzip: the next ones take much longer for little."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in a backup."""

    gatehouse: str
    """The version that made it."""
    made_at: str
    """In UTC, as ISO 8601 has it: all that was acknowledged before is in it."""
    kind: str
    """``sqlite`` or ``postgresql``."""
    revision: str
    """Of the tables."""
    rows: dict[str, int]
    """How many rows each table has."""
    key_id: str
    """Which secret key belongs to it; tells nothing of the key."""
    sha256: dict[str, str]
    """Of each part, hexadecimal."""
    format: int = FORMAT


def write(
    path: Path, manifest: Manifest, database: Path, secret_key: str | None, *, overwrite: bool
) -> None:
    """Write a backup. It is there whole or not at all, and only its owner may read it.

    :param database: The copy of the database.
    :raises UpkeepError: When there is a file that is not to be overwritten.
    """
    with (
        whole_file(path, OURS, overwrite=overwrite) as file,
        # without a name in it, which no checksum covers
        gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as content,
        tarfile.open(fileobj=content, mode="w:") as tar,
    ):
        _add(tar, MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
        if secret_key is not None:
            _add(tar, SECRET_KEY, secret_key.encode())
        tar.add(database, DATABASE, filter=_anonymous)


def hashes(database: Path, secret_key: str | None) -> dict[str, str]:
    """Return the SHA-256 of each part, hexadecimal, as the manifest names them."""
    with database.open("rb") as file:
        found = {DATABASE: hashlib.file_digest(file, "sha256").hexdigest()}
    if secret_key is not None:
        found[SECRET_KEY] = hashlib.sha256(secret_key.encode()).hexdigest()
    return found


@dataclass(frozen=True)
class Opened:
    """A backup that was read whole and is as its manifest says."""

    manifest: Manifest
    database: Path
    """The copy of the database; it goes when the backup is closed."""
    secret_key: str | None


@contextmanager
def opened(path: Path, workplace: Path) -> Iterator[Opened]:
    """Read a backup.

    :param workplace: The folder in which the database is unpacked for a while.
    :raises UpkeepError: When it is none, not of this format, or was damaged.
    """
    with TemporaryDirectory(prefix=".gatehouse-restore-", dir=workplace) as folder:
        database = Path(folder) / DATABASE
        try:
            with gzip.open(path) as content, tarfile.open(fileobj=content, mode="r:") as tar:
                found = _read(tar, database)
                while content.read(CHUNK):  # To the end, where the checksum of the whole is.
                    pass
        except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise UpkeepError(f"{path} is no backup, or is damaged: {error}") from error
        except gzip.BadGzipFile as error:
            raise UpkeepError(
                f"{path} is no backup, or is damaged: it is not compressed as one is, or its "
                "checksum is wrong."
            ) from error
        except OSError as error:
            if error.filename:  # It is missing, say, or the disk is full.
                raise
            raise UpkeepError(f"{path} is no backup, or is damaged: {error}") from error
        yield found


def _read(tar: tarfile.TarFile, database: Path) -> Opened:
    parts = iter(tar)
    manifest = _manifest(_content(tar, next(parts, None), MANIFEST).read(LARGEST_MANIFEST))
    secret_key = None
    hashes = {}
    for part in parts:
        source = _content(tar, part, part.name)
        if part.name == SECRET_KEY:
            content = source.read(LARGEST_MANIFEST)
            secret_key = content.decode()
            hashes[part.name] = hashlib.sha256(content).hexdigest()
        elif part.name == DATABASE:
            hashes[part.name] = _unpack(source, database)
    if hashes != manifest.sha256:
        raise ValueError("the SHA-256 of its parts is not what its manifest says")
    return Opened(manifest, database, secret_key)


def _manifest(text: bytes) -> Manifest:
    document: dict[str, Any] = json.loads(text)
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']}, and {FORMAT} can be read")
    return Manifest(**document)


def _content(tar: tarfile.TarFile, part: tarfile.TarInfo | None, name: str) -> IO[bytes]:
    found = tar.extractfile(part) if part is not None and part.name == name else None
    if found is None:
        raise ValueError(f"{name} is missing")
    return found


def _unpack(source: IO[bytes], target: Path) -> str:
    seen = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := source.read(CHUNK):
            seen.update(chunk)
            file.write(chunk)
    return seen.hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    part = tarfile.TarInfo(name)
    part.size, part.mode = len(content), 0o600
    tar.addfile(part, BytesIO(content))


def _anonymous(part: tarfile.TarInfo) -> tarfile.TarInfo:
    part.uid = part.gid = 0
    part.uname = part.gname = ""
    part.mode = 0o600
    return part
