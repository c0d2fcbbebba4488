"""``gatehouse review``: begun, looked at, closed, exported and verified."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.directory import accounts
from app.directory.reviews import export
from app.store.database import db
from app.store.models import Review
from app.store.types import now
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_mapping, a_master_admin, a_user

DUE = f"{now().year + 1}-01-01"


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    with gatehouse.app.app_context():
        account = accounts.only_one()
        a_master_admin(account, "boss")
        ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
        a_grant(account, ada, "viewer", brand)
        a_group(account, "Designers", members=[ada])
    return gatehouse


def test_from_the_start_to_a_verified_export(acme, tmp_path):
    begun = acme(
        *("review", "start", "Autumn", "--folder", "/Brand", "--due", DUE),
        *("--reviewer", "boss", "--undecided", "revoke", "--json"),
    )
    assert (begun["item_count"], begun["reviewers"]) == (1, ["boss"])
    id_ = begun["id"]
    assert "Autumn: open" in acme("review", "list").output
    assert "ada, viewer on /Brand, open" in acme("review", "show", id_).output
    assert acme("review", "show", id_, "--state", "keep", "--json")["items"] == []
    file, keys = tmp_path / "autumn.jsonl", tmp_path / "keys.json"
    said = acme("review", "export", id_, str(file)).output
    assert f"{file} holds the review, signed; the review was not closed yet" in said
    said = acme("review", "verify", str(file)).output
    assert f"review {id_}, 2 lines; the review was not closed yet" in said
    said = acme("review", "close", id_).output
    assert f"closed, due {DUE} 00:00 UTC, ended early by gatehouse command; 0 open" in said
    (item,) = acme("review", "show", id_, "--json")["items"]
    assert (item["decision"], item["outcome"]) == ("revoke", "revoked")
    assert item["comment"] == "Nobody had decided when gatehouse command ended it early."
    text = file.read_text("utf-8")
    said = acme("review", "export", id_, str(file), exit_code=2).output
    assert "is there already" in said and file.read_text("utf-8") == text
    said = acme("review", "export", id_, str(file), "--force").output
    assert f"{file} holds the review, signed." in said
    assert f"review {id_}, 2 lines." in acme("review", "verify", str(file)).output
    printed = acme("review", "export", id_).stdout.splitlines()
    assert printed[:2] == file.read_text("utf-8").splitlines()[:2] and len(printed) == 3
    jwks = acme.app.test_client().get("/.well-known/jwks.json").get_data(as_text=True)
    keys.write_text(jwks, encoding="utf-8")
    assert acme("review", "verify", str(file), "--keys", str(keys), "--json")["review"] == id_
    keys.write_text('{"keys": []}', encoding="utf-8")
    said = acme("review", "verify", str(file), "--keys", str(keys), exit_code=2).output
    assert "not known here" in said
    text = file.read_text("utf-8")
    file.write_text(text.replace('"ada"', '"eve"'), encoding="utf-8")
    assert "was changed" in acme("review", "verify", str(file), exit_code=2).output


def test_an_export_that_fails_leaves_the_folder_as_it_was(acme, tmp_path, monkeypatch):
    id_ = acme("review", "start", "R", "--role", "viewer", "--due", DUE, "--json")["id"]
    file, link = tmp_path / "autumn.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(file)

    def fail(*_: object, **__: object) -> Iterator[bytes]:
        yield b"{}\n"
        raise OSError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(export, "lines_of", fail)
        acme("review", "export", id_, str(file), exit_code=2)
    assert sorted(tmp_path.iterdir()) == [link]
    acme("review", "export", id_, str(link), exit_code=2)
    assert sorted(tmp_path.iterdir()) == [link]
    acme("review", "export", id_, str(link), "--force")
    old = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask()
    with monkeypatch.context() as patched:
        patched.setattr(export, "lines_of", fail)
        said = acme("review", "export", id_, str(file), "--force", exit_code=2).output
    assert "The disk is full." in said and file.read_bytes() == old
    assert sorted(tmp_path.iterdir()) == [file, link]
    # What is no file, such as a pipe to another program, is written to as it is.
    acme("review", "export", id_, "/dev/null", "--force")
    assert Path("/dev/null").is_char_device()


def umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("options", "items"),
    [
        (("--role", "viewer"), 1),
        (("--role", "master_admin"), 1),
        (("--group", "designers"), 1),
        (("--account-roles",), 1),
    ],
)
def test_what_can_be_reviewed(acme, options, items):
    begun = acme("review", "start", "R", *options, "--due", DUE, "--json")
    assert begun["item_count"] == items


def test_it_may_be_due_some_days_from_now(acme):
    begun = acme("review", "start", "R", "--role", "viewer", "--due", "30d", "--json")
    due = datetime.fromisoformat(begun["due_at"])
    assert timedelta(days=29, hours=23) < due - now() <= timedelta(days=30)


def test_it_says_of_what_none_of_the_reviewers_may_decide(acme):
    start = ("review", "start", "R", "--due", "30d")
    said = acme(*start, "--role", "master_admin").output
    assert "1 to decide, by boss." in said
    assert "None of the reviewers may decide 1 of these" in said
    assert acme(*start, "--role", "master_admin", "--json")["left_to_others"] == 1
    assert "None of the reviewers" not in acme(*start, "--role", "viewer").output


def test_it_says_when_there_is_more_than_is_shown(acme):
    with acme.app.app_context():
        a_grant(
            accounts.only_one(),
            a_user(accounts.only_one(), "bob"),
            "viewer",
            a_folder(accounts.only_one(), "Press"),
        )
    for name in ("R", "S"):
        id_ = acme("review", "start", name, "--role", "viewer", "--due", DUE, "--json")["id"]
    for command, held in (("list",), "reviews"), (("show", id_), "items"):
        for limit, more in (("1", True), ("2", False)):
            told = ("review", *command, "--limit", limit)
            found = acme(*told, "--json")
            assert (len(found[held]), found["more"]) == (int(limit), more)
            assert ("There is more: raise --limit." in acme(*told).output) == more


def test_one_that_is_over_is_open_no_more(acme):
    id_ = acme("review", "start", "R", "--role", "viewer", "--due", DUE, "--json")["id"]
    with acme.app.app_context(), write(accounts.only_one()):
        db.session.execute(update(Review).values(due_at=now()))
    assert "R: closing, due" in acme("review", "list").output
    assert "R: closing, due" in acme("review", "show", id_).output
    assert "R: closed, due" in acme("review", "close", id_).output


def test_what_is_not_revoked_for_good_is_counted_apart(acme):
    with acme.app.app_context():
        a_mapping(
            accounts.only_one(), "Designers", "viewer", a_folder(accounts.only_one(), "Press")
        )
    revoking = ("--due", DUE, "--undecided", "revoke", "--json")
    by_mapping = acme("review", "start", "R", "--role", "viewer", *revoking)["id"]
    said = acme("review", "close", by_mapping).output
    assert "0 kept, 1 revoked, 1 revoked but a mapping may give it again" in said
    assert "again once the provider changes the group" in acme("review", "show", by_mapping).output
    last = acme("review", "start", "R", "--account-roles", *revoking)["id"]
    said = acme("review", "close", last).output
    assert "0 kept, 0 revoked, 1 not revoked: the last master admin" in said


def test_what_cannot_be_is_one_line(acme, tmp_path):
    none = acme("review", "start", "R", "--due", DUE, exit_code=2).output
    assert "Give one of --role" in none
    both = ("--role", "viewer", "--account-roles")
    acme("review", "start", "R", *both, "--due", DUE, exit_code=2)
    past = acme("review", "start", "R", "--role", "viewer", "--due", "2001-01-01", exit_code=2)
    assert "due within the next 400 days" in past.output
    for due in ("401d", "0d", "30", "d", "-1d", "99999d"):
        acme("review", "start", "R", "--role", "viewer", "--due", due, exit_code=2)
    assert "no review 'x'" in acme("review", "show", "x", exit_code=2).output
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([]), encoding="utf-8")
    assert (
        "is no JWK Set"
        in acme("review", "verify", str(file), "--keys", str(file), exit_code=2).output
    )
