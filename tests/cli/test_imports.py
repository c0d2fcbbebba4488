"""``gatehouse import``: people from a file, with a bar, gone on with where it was stopped."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.directory import operations
from app.directory.imports import run as running
from app.store.database import close_database
from app.store.models import Operation, OperationPiece, User
from tests.conftest import SECRET_KEY, make_app
from tests.imports import a_file
from tests.inspection import row, rows

TEXT = "userName,email,active,groups\nada,ada@example.com,,Designers\nbob,,perhaps,\n"


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    return gatehouse


def test_it_adds_people_and_ends_in_1_when_a_row_was_refused(acme, file):
    said = acme("import", str(file), exit_code=1).output
    assert "Done: people added: 1, changed: 0, as they were: 0; rows refused: 1;" in said
    assert "new groups: 1; memberships that came: 1, that went: 0." in said
    assert "line 3, bob, active: It must be true or false." in said
    file.write_text(TEXT.replace("perhaps", "no"), encoding="utf-8")
    again = acme("import", str(file), "--account", "acme", "--json")
    assert {name: count for name, count in again.items() if count} == {
        "id": again["id"],
        "state": "done",
        "created": 1,
        "unchanged": 1,
    }


def test_a_dry_run_changes_nothing_and_keeps_no_file(acme, file):
    said = acme("import", str(file), "--dry-run", exit_code=1).output
    assert "Nothing was changed. It would be: people added: 1," in said
    with acme.app.app_context():
        assert rows(User) == [] and rows(OperationPiece) == []


def test_what_was_refused_is_written_to_a_file(acme, file, tmp_path):
    refused = tmp_path / "refused.csv"
    acme("import", str(file), "--problems", str(refused), exit_code=1)
    with refused.open(encoding="utf-8", newline="") as lines:
        found = list(csv.reader(lines))
    assert found[0] == ["line", "column", "person", "reason", "done"]
    assert found[1] == ["3", "active", "bob", "It must be true or false.", "nothing"]


def test_what_is_no_table_of_people_ends_in_one_line(acme, file):
    file.write_bytes(b"\xff\xfe")
    said = acme("import", str(file), exit_code=2).output
    assert said.startswith("gatehouse: Line 1 is not UTF-8.") and "Traceback" not in said
    assert "does not exist" in acme("import", "nothing.csv", exit_code=2).output


def test_with_several_accounts_it_asks_which(acme, file):
    acme("account", "create", "Globex")
    assert "--account" in acme("import", str(file), exit_code=2).output
    acme("import", str(file), "--account", "Globex", "--groups", "ignore", exit_code=1)


def test_interrupted_it_says_how_to_go_on_and_does(acme, file, monkeypatch):
    file.write_text(a_file(30), encoding="utf-8")
    monkeypatch.setattr(running, "AT_ONCE", 5)
    advance = operations.advance

    def interrupted(operation) -> None:
        advance(operation)
        if operation.done == 15:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(operations, "advance", interrupted)
        stopped = acme("import", str(file), exit_code=130)
    assert "the same command goes on from here" in stopped.output
    with acme.app.app_context():
        assert row(Operation).state == "waiting" and len(rows(User)) == 10
    gone_on = acme("import", str(file))
    assert "Going on where it was stopped." in gone_on.output
    assert "people added: 30," in gone_on.output
    acme("import", str(file), "--no-create-groups")
    with acme.app.app_context():
        assert [each.state for each in rows(Operation)] == ["done", "done"]


def test_other_options_begin_anew(acme, file, monkeypatch):
    def interrupted(operation) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(operations, "advance", interrupted)
        acme("import", str(file), exit_code=130)
    acme("import", str(file), "--groups", "exactly", exit_code=1)
    with acme.app.app_context():
        assert [each.state for each in rows(Operation)] == ["cancelled", "done"]


def test_killed_in_the_middle_the_same_command_ends_it(database_url, tmp_path):
    """``kill -9``, in a process of its own."""
    path = tmp_path / "people.csv"
    people = 4_000
    path.write_text(a_file(people, groups=40, each=3), encoding="utf-8")
    env = {
        "GATEHOUSE_DATABASE_URL": database_url,
        "GATEHOUSE_SECRET_KEY": SECRET_KEY,
        "GATEHOUSE_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [Path(sys.executable).with_name("gatehouse")]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=env, capture_output=True, text=True, timeout=300
        )

    assert run("account", "create", "Acme").returncode == 0
    process = subprocess.Popen([*command, "import", str(path)], env=env, stderr=subprocess.DEVNULL)
    app = make_app(database_url)
    with app.app_context():
        deadline = time.monotonic() + 120
        while not any(each.done >= 500 for each in rows(Operation)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        operation = row(Operation)
        assert operation.state == "running" and 0 < len(rows(User)) < people
        done = run("import", str(path), "--json")
        assert done.returncode == 0, done.stderr
        operation = row(Operation)
        assert (operation.state, operation.counts["created"]) == ("done", people)
        assert len(rows(User)) == people and operation.counts["joined"] == people * 3
        close_database()
