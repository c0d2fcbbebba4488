"""``gatehouse drift``: what differs, as text, JSON and CSV, and mending it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app.directory import accounts
from app.store.models import User
from tests.directory.test_drift import provisioned
from tests.drift import fill_the_disk
from tests.factories import a_connection
from tests.inspection import row

TEXT = "userName,displayName,shoe\nada,Ada L.,38\nnew,New,\n"


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    with gatehouse.app.app_context():
        account = accounts.only_one()
        okta = a_connection(account, name="Okta")
        provisioned(account, okta, "ada", display_name="Ada")
        provisioned(account, okta, "eve")
    return gatehouse


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_it_says_what_differs_and_changes_nothing(acme, file, tmp_path):
    table = tmp_path / "drift.csv"
    said = acme("drift", "okta", str(file), "--csv", str(table), exit_code=1).output
    assert "People missing here: 1; different: 1; here alone: 1; the same: 0." in said
    assert "missing: new" in said and "here alone: eve" in said
    assert "different: ada (displayName 'Ada' → 'Ada L.')" in said
    assert "Columns that are not read: shoe." in said
    assert list(csv.reader(table.read_text("utf-8").splitlines())) == [
        ["person", "what", "field", "here", "there"],
        ["ada", "different", "displayName", "Ada", "Ada L."],
        ["new", "missing", "", "", ""],
        ["eve", "here alone", "", "", ""],
    ]
    with acme.app.app_context():
        assert row(User, user_name="eve").active is True


def test_it_mends_it_and_then_ends_in_0(acme, file):
    result = acme("drift", "okta", str(file), "--fix", "--json")
    mended = {name: count for name, count in result["fix"].items() if count}
    assert mended == {
        "id": mended["id"],
        "state": "done",
        "created": 1,
        "updated": 1,
        "deactivated": 1,
    }
    assert "different: 0" in acme("drift", "Okta", str(file)).output
    assert acme("drift", "Okta", str(file), "--fix", "--json")["fix"] is None


def test_without_a_terminal_nothing_is_drawn(acme, file):
    assert acme("drift", "okta", str(file), exit_code=1).stderr == ""
    assert acme("import", str(file)).stderr == ""
    assert acme("audit", "verify").stderr == ""


def test_rows_that_are_refused_are_named_as_far_as_they_name_anybody(acme, file):
    file.write_text("userName,active\nada,perhaps\n,true\n", encoding="utf-8")
    said = acme("drift", "okta", str(file), exit_code=1).output
    assert "\n  line 2, ada, active: It must be true or false.\n" in said
    assert "\n  line 3, userName: It is empty.\n" in said


def test_what_cannot_be_is_one_line(acme, file):
    said = acme("drift", "ping", str(file), exit_code=2).output
    assert "There is no connection 'ping'. Those there are: Okta." in said
    file.write_text("[1]", encoding="utf-8")
    assert "Resource 1 is no object." in acme("drift", "okta", str(file), exit_code=2).output


def test_where_there_is_no_room_it_is_one_line(acme, file, monkeypatch):
    fill_the_disk(monkeypatch)
    said = acme("drift", "okta", str(file), exit_code=2).output
    assert said == (
        "gatehouse: There is no room left for temporary files. Make some, or set TMPDIR to a "
        "folder on another disk.\n"
    )
