"""A backup holds all that was acknowledged before, is checked, and is restored whole or not."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import tarfile
import threading
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from app.directory import signing_keys
from app.settings import Settings
from app.store.database import db, upgrade_database, write_transaction
from app.store.models import AuditEvent, User
from app.upkeep import UpkeepError, inspection, postgres
from app.upkeep.backup import back_up, check, restore
from tests.conftest import SECRET_KEY, write
from tests.factories import a_user
from tests.inspection import rows

ANOTHER_KEY = "another key for tests alone, as long as the first"


def names_in(settings: Settings) -> set[str]:
    with inspection.another_database(settings.resolved_database_url, settings):
        return set(db.session.scalars(select(User.user_name)))


class Writer:
    """Adds people, one after the other, until it is told to stop; knows who was acknowledged."""

    def __init__(self, app, account) -> None:
        self.app, self.account = app, account
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Writer:
        self._thread.start()
        while len(self.acknowledged) < 5:
            assert self._thread.is_alive()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _work(self) -> None:
        with self.app.app_context():
            while not self._stop.is_set():
                name = f"writer{len(self.acknowledged)}@example.com"
                a_user(self.account, name)
                self.acknowledged.append(name)
            db.session.remove()


def test_what_was_acknowledged_before_is_in_it_also_under_a_load_of_writes(
    app, filled, settings, elsewhere, tmp_path
):
    path = tmp_path / "busy.backup"
    with Writer(app, filled) as writer:
        before = list(writer.acknowledged)
        report = back_up(path, settings)
        assert len(writer.acknowledged) > len(before)  # Nobody waited for it.
    assert report.findings == []
    restore(path, elsewhere)
    restored = names_in(elsewhere)
    assert {"ada@example.com", *before} <= restored
    with inspection.another_database(elsewhere.resolved_database_url, elsewhere):
        created = [each.target_name for each in rows(AuditEvent, action="user.created")]
        assert sorted(created) == sorted(restored)  # It is the database at one moment.


def test_a_restored_installation_has_the_same_rows_and_works_on(backup, elsewhere, settings):
    report = restore(backup, elsewhere)
    with db.engine.connect() as connection:
        assert inspection.rows(connection) == report.manifest.rows
    with inspection.another_database(elsewhere.resolved_database_url, elsewhere):
        account_id = db.session.scalar(select(User.account_id).limit(1))
        with write(account_id) as work:
            assert work.account_id
        a_user(account_id, "new@example.com")
        assert inspection.broken_chains() == []
    assert "new@example.com" in names_in(elsewhere)


def test_what_is_there_is_overwritten_only_by_force(backup, elsewhere, filled):
    restore(backup, elsewhere)
    with inspection.another_database(elsewhere.resolved_database_url, elsewhere):
        a_user(filled, "later@example.com")
    with pytest.raises(UpkeepError, match="--force"):
        restore(backup, elsewhere)
    assert "later@example.com" in names_in(elsewhere)
    for _ in range(2):
        restore(backup, elsewhere, force=True)
    assert "later@example.com" not in names_in(elsewhere)
    again = backup.with_name("again.backup")
    back_up(again, elsewhere)
    restore(again, elsewhere, force=True)


def test_a_file_that_is_there_is_overwritten_only_by_force(backup, settings):
    before = backup.read_bytes()
    with pytest.raises(UpkeepError, match="--force"):
        back_up(backup, settings)
    assert backup.read_bytes() == before
    back_up(backup, settings, force=True)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in backup.parent.glob(".gatehouse*")] == []


def altered(backup: Path, database: bytes | None = None, **members: object) -> Path:
    """A copy of a backup whose manifest says something else, or whose database is another one."""
    path = backup.with_name("altered.backup")
    with tarfile.open(backup) as old, tarfile.open(path, "w:gz") as new:
        for part in old:
            content = old.extractfile(part).read()
            if part.name == "manifest.json":
                content = json.dumps(json.loads(content) | members).encode()
            elif database is not None:
                content = database
            part.size = len(content)
            new.addfile(part, BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"revision": "9999"}, "does not know"),
        ({"format": 2}, "format is 2"),
        ({"kind": "oracle"}, "one of oracle"),
        ({"rows": {"users": 1}}, "does not hold the rows"),
        ({"key_id": "0" * 16}, "secret key is not the one"),
        ({"sha256": {"database": "0" * 64}}, "SHA-256"),
        ({"sha256": {}}, "SHA-256"),
        ({"database": b"something else"}, "SHA-256"),
    ],
)
def test_what_does_not_fit_is_refused_and_all_stays_as_it_was(backup, elsewhere, members, says):
    restore(backup, elsewhere)
    before = names_in(elsewhere)
    with pytest.raises(UpkeepError, match=says):
        restore(altered(backup, **members), elsewhere, force=True)
    assert names_in(elsewhere) == before
    with pytest.raises(UpkeepError, match=says):
        check(altered(backup, **members), elsewhere)


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" * 99])
def test_what_was_damaged_on_the_way_is_refused(backup, elsewhere, spoil):
    backup.write_bytes(spoil(backup.read_bytes()))
    with pytest.raises(UpkeepError, match="no backup, or is damaged"):
        restore(backup, elsewhere)


def test_any_change_of_the_content_is_noticed(backup, elsewhere):
    content = bytearray(backup.read_bytes())
    whole, noticed = gzip.decompress(content), 0
    places = range(20, len(content), len(content) // 25)
    for place in places:
        content[place] ^= 0x55
        backup.write_bytes(content)
        if _unpacked(bytes(content)) == whole:
            # It says the same in other words: the zeros of a page are those of any other one.
            assert check(backup, elsewhere).findings == []
        else:
            with pytest.raises(UpkeepError):
                check(backup, elsewhere)
            noticed += 1
        content[place] ^= 0x55
    assert noticed > len(places) // 2
    backup.write_bytes(content)
    assert check(backup, elsewhere).findings == []


def _unpacked(content: bytes) -> bytes | None:
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error):
        return None


def test_the_secret_key_is_in_it_only_when_asked(backup, settings, tmp_path):
    with tarfile.open(backup) as tar:
        assert tar.getnames() == ["manifest.json", "database"]
        assert SECRET_KEY.encode() not in b"".join(tar.extractfile(each).read() for each in tar)
    back_up(tmp_path / "key.backup", settings, with_key=True)
    with tarfile.open(tmp_path / "key.backup") as tar:
        assert tar.extractfile("secret_key").read().decode() == SECRET_KEY


def test_another_secret_key_must_be_said(backup, elsewhere):
    other = replace(elsewhere, secret_key=ANOTHER_KEY)
    for attempt in (check, restore):
        with pytest.raises(UpkeepError, match="GATEHOUSE_SECRET_KEY"):
            attempt(backup, other)
    for attempt in (check, restore):
        report = attempt(backup, other, another_key=True)
        assert report.findings == [] and "not checked" in report.warnings[0]


def test_with_another_key_there_is_no_backup(app, filled, settings, tmp_path):
    signing_keys.rotate(settings.secret_key)
    path = tmp_path / "gatehouse.backup"
    with pytest.raises(UpkeepError, match="not the one the data was written with"):
        back_up(path, replace(settings, secret_key=ANOTHER_KEY), with_key=True)
    assert not path.exists()
    back_up(path, settings)


def test_the_key_of_a_backup_comes_to_lie_beside_the_embedded_database(tmp_path):
    """As on a new machine, which has made a key of its own by then."""
    one, two = (
        Settings.from_environment({"GATEHOUSE_DATA_DIR": str(tmp_path / name)})
        for name in ("one", "two")
    )
    path = tmp_path / "with.backup"
    _make(one)
    back_up(path, one, with_key=True)
    restore(path, two)
    assert (tmp_path / "two" / "secret_key").read_text() == one.secret_key
    assert (tmp_path / "two" / "secret_key").stat().st_mode & 0o777 == 0o600
    before = tmp_path / "two" / "secret_key.before-restore"
    assert before.read_text() == two.secret_key
    # It may be the key of the data, where that restore was killed: the next one leaves it.
    _make(two)
    back_up(tmp_path / "another.backup", replace(two, secret_key=one.secret_key))
    (tmp_path / "two" / "secret_key").write_text("a third key of 32 characters or more")
    three = replace(two, secret_key="a third key of 32 characters or more")
    restore(path, three, force=True)
    assert before.read_text() == two.secret_key
    assert before.with_name("secret_key.before-restore-2").read_text() == three.secret_key


def test_whoever_is_killed_while_it_restores_leaves_the_key(tmp_path, monkeypatch):
    """The key is there before what it opens; where that cannot be loaded, all is as it was."""
    one, two = (
        Settings.from_environment({"GATEHOUSE_DATA_DIR": str(tmp_path / name)})
        for name in ("one", "two")
    )
    path, key = tmp_path / "with.backup", tmp_path / "two" / "secret_key"
    _make(one)
    back_up(path, one, with_key=True)
    found = []

    def fail(*_: object) -> None:
        found.append(key.read_text())
        raise OSError("full")

    monkeypatch.setattr("app.upkeep.sqlite.load", fail)
    for had in (True, False):
        with pytest.raises(OSError, match="full"):
            restore(path, two if had else replace(two, secret_key=""))
        assert [each.read_text() for each in key.parent.iterdir()] == [two.secret_key] * had
        key.unlink(missing_ok=True)
    assert found == [one.secret_key] * 2


def _make(settings: Settings) -> None:
    with inspection.another_database(settings.resolved_database_url, settings):
        upgrade_database()


def test_an_audit_log_that_was_changed_is_told(app, filled, settings, elsewhere, tmp_path):
    with write_transaction():
        db.session.execute(update(AuditEvent).values(actor_name="somebody else"))
    path = tmp_path / "gatehouse.backup"
    assert "changed" in back_up(path, settings).findings[0]
    assert "changed" in check(path, elsewhere).findings[0]
    assert "changed" in restore(path, elsewhere).findings[0]


def test_a_database_of_another_kind_is_refused(backup, database_url, tmp_path):
    url = "postgresql+psycopg://u@127.0.0.1:1/none"
    if not database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    with pytest.raises(UpkeepError, match="The backup is one of"):
        restore(backup, Settings(secret_key=SECRET_KEY, database_url=url))


def test_a_damaged_database_is_not_backed_up(tmp_path):
    settings = Settings.from_environment({"GATEHOUSE_DATA_DIR": str(tmp_path)})
    _make(settings)
    with sqlite3.connect(tmp_path / "gatehouse.sqlite3") as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'users'")
    connection.close()
    with pytest.raises(UpkeepError, match="damaged"):
        back_up(tmp_path / "gatehouse.backup", settings)
    assert not (tmp_path / "gatehouse.backup").exists()


def test_nothing_to_back_up_is_said(tmp_path):
    settings = Settings(secret_key=SECRET_KEY, database_url=f"sqlite:///{tmp_path / 'no.sqlite3'}")
    with pytest.raises(UpkeepError, match="no database"):
        back_up(tmp_path / "gatehouse.backup", settings)
    (tmp_path / "no.sqlite3").touch()
    with pytest.raises(UpkeepError, match="gatehouse db upgrade"):
        back_up(tmp_path / "gatehouse.backup", settings)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nobody_may_be_connected_while_it_is_restored(backup, elsewhere):
    with inspection.another_database(elsewhere.resolved_database_url, elsewhere):
        db.session.execute(text("SELECT 1"))
        with pytest.raises(UpkeepError, match="beside this command: 1"):
            restore(backup, elsewhere)
    restore(backup, elsewhere)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_postgresqls_programs_it_says_what_to_install(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UpkeepError, match="postgresql-client"):
        back_up(tmp_path / "gatehouse.backup", settings)


def test_no_password_is_on_a_command_line(monkeypatch):
    seen = {}

    def run(command, *, env, **_: object):
        seen.update(command=command, env=env)
        raise UpkeepError("enough")

    monkeypatch.setattr(postgres.subprocess, "run", run)
    url = "postgresql+psycopg://ada:hunter2@db.example:5433/gatehouse?sslmode=require"
    with pytest.raises(UpkeepError, match="enough"):
        postgres._run("pg_dump", url=url)
    assert "hunter2" not in " ".join(seen["command"])
    assert (seen["env"]["PGPASSWORD"], seen["env"]["PGSSLMODE"]) == ("hunter2", "require")
    assert (seen["env"]["PGHOST"], seen["env"]["PGPORT"]) == ("db.example", "5433")
