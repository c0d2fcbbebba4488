"""Where there is no database, only the commands that are to make one make anything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from app.cli import cli
from app.factory import create_app
from app.store.database import db
from tests.e2e.server import free_port


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command as one is run, on the folder of GATEHOUSE_DATA_DIR."""
    monkeypatch.setenv("GATEHOUSE_DATA_DIR", str(tmp_path / "data"))

    def run(*args: str, exit_code: int = 0):
        result = CliRunner().invoke(cli, args, obj=create_app)
        assert result.exit_code == exit_code, result.output
        return result

    return run


@pytest.mark.parametrize(
    "args",
    [
        ["doctor"],
        ["token", "list", "Main"],
        ["account", "list"],
        ["account", "create", "Main"],
        ["key", "rotate"],
        ["jobs", "run"],
        ["backup", "b"],
    ],
)
def test_without_a_database_it_says_so_and_makes_none(run, tmp_path, args):
    result = run(*args, exit_code=2)
    assert result.stderr.count("\n") == 1 and result.stdout == ""
    path = tmp_path / "data" / "gatehouse.sqlite3"
    assert f"There is no database at {path}." in result.stderr
    assert "GATEHOUSE_DATA_DIR" in result.stderr and "db upgrade" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_first_command_makes_it(run, tmp_path):
    run("db", "upgrade")
    assert {each.name for each in (tmp_path / "data").iterdir()} >= {
        *("gatehouse.sqlite3", "secret_key")
    }
    run("account", "create", "Main")
    assert "Main" in run("account", "list").stdout


def test_only_its_owner_reads_it_in_a_folder_of_all(run, tmp_path, moved):
    folder = tmp_path / "new"
    folder.mkdir(mode=0o755)
    run("restore", str(tmp_path / "with-key"))
    with create_app(faces=False).app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 1")
        modes = {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}
    assert set(modes.values()) == {0o600} and "gatehouse.sqlite3-wal" in modes


@pytest.mark.parametrize("command", ["db upgrade", "serve"])
def test_one_that_others_could_read_is_theirs_no_more(run, tmp_path, monkeypatch, command):
    run("db", "upgrade")
    file = tmp_path / "data" / "gatehouse.sqlite3"
    file.chmod(0o644)
    monkeypatch.setattr("app.cli.commands.server.run", lambda _settings: None)
    monkeypatch.setenv("GATEHOUSE_PORT", str(free_port()))
    run(*command.split())
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("args", [["doctor"], ["--help"], ["account", "list", "--json"]])
def test_a_reader_who_leaves_early_ends_it_without_a_word(run, args):
    run("db", "upgrade")
    command = [sys.executable, "-c", "from app.factory import main; main()", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("args", [["key", "rotate"], ["db", "upgrade"], ["serve"]])
def test_where_only_the_key_is_gone_none_is_made(run, tmp_path, args):
    run("db", "upgrade")
    key = tmp_path / "data" / "secret_key"
    key.unlink()
    assert "secret key is missing" in run(*args, exit_code=2).stderr
    assert not key.exists()


@pytest.mark.parametrize(
    ("sealing", "says"),
    [("key rotate", "not the one the data was written with"), ("jobs run", "no seal fits")],
)
def test_it_does_not_work_with_another_key(run, monkeypatch, sealing, says):
    run("db", "upgrade")
    run("account", "create", "Main")
    run(*sealing.split())
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", "another key of 32 characters, or more")
    monkeypatch.setenv("GATEHOUSE_PORT", str(free_port()))
    monkeypatch.setattr("app.cli.commands.server.run", lambda _settings: None)
    for command in ("serve", "jobs run"):
        assert says in run(*command.split(), exit_code=2).stderr
    # as docs/disaster.md says of a key that is lost
    assert "signs at once" in run("key", "rotate").stdout
    run("serve")
    run("jobs", "run")


def test_what_has_to_be_signed_says_that_the_key_is_another_one(run, tmp_path, monkeypatch):
    run("db", "upgrade")
    run("account", "create", "Main")
    run("admin", "create", "ada@example.com")
    run("key", "rotate")
    begun = run("review", "start", "Admins", "--account-roles", "--due", "30d", "--json").stdout
    monkeypatch.setenv("GATEHOUSE_SECRET_KEY", "another key of 32 characters, or more")
    said = run("review", "export", json.loads(begun)["id"], str(tmp_path / "x"), exit_code=2).stderr
    assert said == "gatehouse: The secret key opens none of the signing keys.\n"
    assert not (tmp_path / "x").exists()


@pytest.fixture
def moved(run, tmp_path, monkeypatch) -> str:
    """A backup, its key in it, and a new place where nothing is; the key."""
    run("db", "upgrade")
    run("account", "create", "Main")
    said = run("backup", str(tmp_path / "plain")).stdout
    assert f"Keep the file {tmp_path / 'data' / 'secret_key'} too" in said
    run("backup", str(tmp_path / "with-key"), "--with-key")
    key = (tmp_path / "data" / "secret_key").read_text()
    monkeypatch.setenv("GATEHOUSE_DATA_DIR", str(tmp_path / "new"))
    return key


def test_a_restore_that_is_refused_leaves_nothing_behind(run, tmp_path, moved):
    (tmp_path / "none").write_text("no backup")
    for name in ("none", "plain", "missing"):
        run("restore", str(tmp_path / name), exit_code=2)
        run("restore", str(tmp_path / name), "--check", exit_code=2)
    run("restore", str(tmp_path / "with-key"), "--check")
    assert not (tmp_path / "new").exists()


def test_a_restore_makes_the_database_and_keeps_the_key_of_the_backup_alone(run, tmp_path, moved):
    run("restore", str(tmp_path / "with-key"))
    assert {each.name for each in (tmp_path / "new").iterdir()} == {
        *("gatehouse.sqlite3", "secret_key")
    }
    assert (tmp_path / "new" / "secret_key").read_text() == moved
    assert "Main" in run("account", "list").stdout


def test_a_restore_without_its_key_makes_another_one(run, tmp_path, moved):
    run("restore", str(tmp_path / "plain"), "--another-key", "--check")
    said = run("restore", str(tmp_path / "plain"), "--another-key").stdout
    assert "not checked" in said and "docs/disaster.md" in said
    key = tmp_path / "new" / "secret_key"
    assert len(key.read_text()) > 32 and key.read_text() != moved
    assert key.stat().st_mode & 0o777 == 0o600
    assert "Main" in run("account", "list").stdout
