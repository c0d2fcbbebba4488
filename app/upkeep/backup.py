"""Backups: made while the service runs, checked before they count, restored whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from app.security.secrets import derived_key
from app.settings import Settings, new_key, write_once
from app.store.database import db, is_current
from app.store.types import now
from app.upkeep import UpkeepError, archive, inspection, postgres, sqlite
from app.upkeep.archive import DATABASE, SECRET_KEY, Manifest
from app.upkeep.whole import check_place


@dataclass(frozen=True)
class Report:
    """What was backed up, checked or restored."""

    manifest: Manifest
    findings: list[str]
    """What is wrong with the audit logs. It is so in the original too."""
    warnings: list[str] = field(default_factory=list)
    """What could not be looked at, and is to be done."""


def back_up(
    path: Path, settings: Settings, *, with_key: bool = False, force: bool = False
) -> Report:
    """Write a backup of the running installation and check it.

    :param with_key: Whether the secret key goes into it.
    :param force: Whether a file that is there may be overwritten.
    :raises UpkeepError: When it cannot be made, or the copy is not whole; then there is no file.
    """
    check_place(path, overwrite=force)
    url, at = settings.resolved_database_url, now()
    with TemporaryDirectory(prefix=".gatehouse-backup-", dir=path.absolute().parent) as folder:
        copy = Path(folder) / DATABASE
        dump = _dump_sqlite if _kind(url) == "sqlite" else _dump_postgres
        revision, rows, findings = dump(url, copy, settings)
        if revision is None:
            raise UpkeepError("There is no database of Gatehouse. Run: gatehouse db upgrade")
        key = settings.secret_key if with_key else None
        manifest = _manifest(settings, at, revision, rows, archive.hashes(copy, key))
        archive.write(path, manifest, copy, key, overwrite=force)
    # What was written is read again: only then is it known to be there.
    with archive.opened(path, path.absolute().parent):
        return Report(manifest, findings)


def restore(
    path: Path, settings: Settings, *, force: bool = False, another_key: bool = False
) -> Report:
    """Put a backup in the place of the database the settings name.

    :param force: Whether what is there may be overwritten.
    :param another_key: Whether it may be restored although the secret key is another one.
    :raises UpkeepError: When it may not, or the backup is not whole; then all is as it was.
    """
    url = settings.resolved_database_url
    with _fitting(path, settings) as found:
        is_empty = sqlite.is_empty if _kind(url) == "sqlite" else postgres.is_empty
        if not force and not is_empty(url):
            raise UpkeepError(
                "There is a database already. To overwrite it with the backup, add --force."
            )
        its = _with_its_key(found, settings, another_key=another_key)
        if _kind(url) == "sqlite":
            findings = _check(sqlite.url_of(found.database), found.manifest, its)
            with _key_kept(settings, its.secret_key):
                sqlite.load(found.database, url)
        else:
            with postgres.restored(found.database, url):
                findings = _check(url, found.manifest, its)
        return Report(found.manifest, findings, _warnings(found.manifest, its))


def check(path: Path, settings: Settings, *, another_key: bool = False) -> Report:
    """Check a backup by restoring it where it is in nobody's way, and return what was found.

    :param another_key: Whether to go on although the secret key is another one.
    :raises UpkeepError: When it is not whole, or not one for this installation.
    """
    url = settings.resolved_database_url
    with _fitting(path, settings) as found:
        settings = _with_its_key(found, settings, another_key=another_key)
        if _kind(url) == "sqlite":
            findings = _check(sqlite.url_of(found.database), found.manifest, settings)
        else:
            with postgres.scratch_copy(found.database, url) as copy:
                findings = _check(copy, found.manifest, settings)
        return Report(found.manifest, findings, _warnings(found.manifest, settings))


def key_id(secret_key: str) -> str:
    """Return a name for a secret key by which it is known again, and that tells nothing of it."""
    return derived_key(secret_key, "name of the key").hex()[:16]


def _dump_sqlite(
    url: str, copy: Path, settings: Settings
) -> tuple[str | None, dict[str, int], list[str]]:
    sqlite.dump(url, copy)
    with inspection.another_database(sqlite.url_of(copy), settings):
        if damages := inspection.damages():
            raise UpkeepError(f"The database is damaged: {damages[0]}")
        revision, rows = _state()
        return revision, rows, _own_chains(revision, settings)


def _dump_postgres(
    url: str, copy: Path, settings: Settings
) -> tuple[str | None, dict[str, int], list[str]]:
    revision, rows = postgres.dump(url, copy)
    if postgres.rows_in(copy) != rows:
        raise UpkeepError("The dump does not hold the rows that the database has.")
    with inspection.another_database(url, settings):
        return revision, rows, _own_chains(revision, settings)


def _manifest(
    settings: Settings, at: datetime, revision: str, rows: dict[str, int], sha256: dict[str, str]
) -> Manifest:
    return Manifest(
        gatehouse=version("gatehouse"),
        made_at=at.isoformat(),
        kind=_kind(settings.resolved_database_url),
        revision=revision,
        rows=rows,
        key_id=key_id(settings.secret_key),
        sha256=sha256,
    )


@contextmanager
def _fitting(path: Path, settings: Settings) -> Iterator[archive.Opened]:
    """Open a backup that this version can restore into this kind of database."""
    url = settings.resolved_database_url
    workplace = path.absolute().parent if _kind(url) == "postgresql" else _nearest(url)
    with archive.opened(path, workplace) as found:
        manifest = found.manifest
        if manifest.kind != _kind(url):
            raise UpkeepError(
                f"The backup is one of {manifest.kind}, and the database is {_kind(url)}."
            )
        if not inspection.is_known(manifest.revision):
            raise UpkeepError(
                f"The backup was made by Gatehouse {manifest.gatehouse} (revision "
                f"{manifest.revision}), which this version, {version('gatehouse')}, does not know. "
                "Restore it with that version."
            )
        yield found


def _nearest(url: str) -> Path:
    """Return the folder of the file, or the next one above that is there already."""
    folder = sqlite.path_of(url).parent
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _with_its_key(found: archive.Opened, settings: Settings, *, another_key: bool) -> Settings:
    """Return the settings with the secret key that belongs to a backup, if it can be had."""
    if key_id(settings.secret_key) == found.manifest.key_id:
        return settings
    if found.secret_key is not None and (another_key or _is_in_its_file(settings)):
        return replace(settings, secret_key=found.secret_key)
    if another_key:
        return settings if settings.secret_key else replace(settings, secret_key=new_key())
    raise UpkeepError(
        "The secret key is not the one of the backup: private keys, second factors and the seals "
        "of the audit log cannot be read with it. Set GATEHOUSE_SECRET_KEY to that one (or put the "
        "file secret_key back), or add --another-key to go without."
    )


@contextmanager
def _key_kept(settings: Settings, secret_key: str) -> Iterator[None]:
    """Put the secret key of what the block loads beside the embedded database, before that: without
    it nothing in there could be read. The one there, if any, stays, too."""
    if secret_key == settings.secret_key or not _is_in_its_file(settings):
        yield
        return
    path = settings.data_dir / SECRET_KEY
    before, new = _free(path.with_name(f"{SECRET_KEY}.before-restore")), path.with_name(".new_key")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    if path.exists():
        os.link(path, before)
    write_once(new, secret_key)
    new.replace(path)
    try:
        yield
    except BaseException:
        if before.exists():
            before.replace(path)
        else:
            path.unlink()
        raise


def _free(path: Path) -> Path:
    """Return a path at which nothing is: a key that an earlier restore has left is kept, for it may
    be the one of the data, where that restore was killed."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain([path], numbered) if not each.exists())


def place_of_key(settings: Settings) -> str:
    """Return where the secret key is that must be kept beside a backup, in words."""
    if _is_in_its_file(settings):
        return f"the file {(settings.data_dir / SECRET_KEY).absolute()}"
    return "GATEHOUSE_SECRET_KEY"


def _is_in_its_file(settings: Settings) -> bool:
    """Tell whether the secret key is that of the file, or none is known and it is to be there."""
    if not settings.secret_key:
        return True
    path = settings.data_dir / SECRET_KEY
    if not settings.embedded or not path.exists():
        return False
    return path.read_text(encoding="utf-8").strip() == settings.secret_key


def _check(url: str, manifest: Manifest, settings: Settings) -> list[str]:
    """Compare a copy with what its manifest says; return what is wrong with its audit logs."""
    with inspection.another_database(url, settings):
        if damages := inspection.damages():
            raise UpkeepError(f"The copy is damaged: {damages[0]}")
        revision, rows = _state()
        if (revision, rows) != (manifest.revision, manifest.rows):
            raise UpkeepError("The copy does not hold the rows that its manifest names.")
        return [] if _warnings(manifest, settings) else _chains(revision)


def _warnings(manifest: Manifest, settings: Settings) -> list[str]:
    """Return what is to be known of a backup whose secret key is not that of the settings."""
    if key_id(settings.secret_key) == manifest.key_id:
        return []
    return [
        "The secret key is another one: the seals of the audit log were not checked, and what is "
        "sealed cannot be read. What to do now: docs/disaster.md (The secret key is gone)."
    ]


def _own_chains(revision: str | None, settings: Settings) -> list[str]:
    """Check the audit logs of what is backed up.

    Where nothing but the seals say that the key is another one, the log may have been changed as
    well: whoever did so is to keep nobody from backups.

    :raises UpkeepError: When its secret key is another one. The backup would name the wrong key,
        and be refused where the right one is.
    """
    if revision is None or not is_current():
        return []
    if (opened := inspection.opened(settings.secret_key)) and not any(opened):
        raise UpkeepError(f"{inspection.ANOTHER_KEY} Bring that one back (docs/disaster.md).")
    return inspection.broken_chains()


def _state() -> tuple[str | None, dict[str, int]]:
    with db.engine.connect() as connection:
        return inspection.revision(connection), inspection.rows(connection)


def _chains(revision: str | None) -> list[str]:
    """Check the audit logs, where the tables are those of this version."""
    if revision is None or not is_current():
        return []
    return inspection.broken_chains()


def _kind(url: str) -> str:
    return make_url(url).get_backend_name()
