"""``gatehouse audit`` and ``gatehouse trash``."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import update

from app.directory import users
from app.directory.users import Profile
from app.directory.work import Actor, transaction
from app.store.database import db, write_transaction
from app.store.models import AuditEvent, User

EVE = Actor(type="user", name="\x1b[31mEve", surface="console", address="192.0.2.9")


@pytest.fixture
def acme(gatehouse) -> str:
    """The id of an account where Eve made a user, ada."""
    account_id = gatehouse("account", "create", "Acme", "--json")["id"]
    with gatehouse.app.app_context(), transaction(account_id, EVE) as work:
        users.create(work, Profile("ada"))
    return account_id


def seal(gatehouse) -> None:
    gatehouse("jobs", "run")


def tamper(gatehouse) -> None:
    with gatehouse.app.app_context(), write_transaction():
        changed = update(AuditEvent).where(AuditEvent.sequence == 2).values(actor_name="Ada")
        db.session.execute(changed)


# -- Listing -------------------------------------------------------------------------


def test_the_log_as_a_table(gatehouse, acme):
    shown = gatehouse("audit", "list", "Acme").stdout
    assert shown.index("user.created") < shown.index("account.created")
    assert "192.0.2.9" in shown and "\x1b[31mEve" not in shown
    assert "Nothing of that kind" in gatehouse("audit", "list", "Acme", "--actor", "x").stdout


def test_the_log_as_json_lines_and_csv(gatehouse, acme):
    exported = gatehouse("audit", "list", "Acme", "--format", "jsonl").stdout
    actions = [json.loads(line)["action"] for line in exported.splitlines()]
    assert actions == ["user.created", "folder.created", "account.created"]
    exported = gatehouse("audit", "list", "Acme", "--format", "csv", "--limit", "2").stdout
    found = [each["action"] for each in csv.DictReader(io.StringIO(exported))]
    assert found == actions[:2]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--action", "user."], 1),
        (["--target-type", "folder", "--surface", "cli"], 1),
        (["--target", "ada", "--address", "192.0.2.9"], 1),
        (["--outcome", "refused"], 0),
        (["--request", "r1"], 0),
        (["--since", "2020-01-01", "--until", "2999-12-31T23:59"], 3),
        (["--until", "2020-01-01"], 0),
    ],
)
def test_what_one_looks_for(gatehouse, acme, options, count):
    exported = gatehouse("audit", "list", "Acme", "--format", "jsonl", *options).stdout
    assert len(exported.splitlines()) == count


# -- The sealed chain ------------------------------------------------------------------


def test_a_good_chain(gatehouse, acme):
    seal(gatehouse)
    text = gatehouse("audit", "verify", "acme").stdout
    assert text.startswith("Acme: ")
    assert "3 events checked, 0 findings." in text
    anchor = gatehouse("audit", "head", "Acme").stdout.strip()
    assert f"head {anchor}" in text
    assert gatehouse("audit", "head", "Acme", "--json")["sequence"] == 3
    (report,) = gatehouse("audit", "verify", "Acme", "--expect", anchor, "--json")["accounts"]
    assert (report["account"], report["head"], report["findings"]) == (acme, anchor, [])


def test_a_changed_row_ends_in_1(gatehouse, acme):
    seal(gatehouse)
    tamper(gatehouse)
    shown = gatehouse("audit", "verify", "Acme", exit_code=1).stdout
    assert "1 findings" in shown and "at 2 was changed" in shown
    gatehouse("audit", "verify", exit_code=1)


def test_another_end_than_the_one_expected_ends_in_1(gatehouse, acme):
    seal(gatehouse)
    for anchor in (f"3:{'0' * 64}", f"9:{'0' * 64}"):
        gatehouse("audit", "verify", "Acme", "--expect", anchor, exit_code=1)


def test_all_accounts_are_checked(gatehouse, acme):
    gatehouse("account", "create", "Other")
    found = gatehouse("audit", "verify", "--json")["accounts"]
    assert sorted(each["unsealed"] for each in found) == [2, 3]
    assert "3 events wait for their seal" in gatehouse("audit", "verify").stdout


def test_bad_input_ends_in_2(gatehouse, acme):
    for bad in (
        ("audit", "head", "Acme"),
        ("audit", "verify", "Acme", "--expect", "what"),
        ("audit", "verify", "--expect", f"1:{'0' * 64}"),
        ("audit", "verify", "Nobody"),
        ("audit", "list", "Acme", "--since", "soon"),
        ("trash", "restore", "Acme", "nothing"),
    ):
        assert gatehouse(*bad, exit_code=2).stdout == ""


# -- The trash ----------------------------------------------------------------------------


def test_a_user_is_deleted_and_brought_back(gatehouse, acme):
    assert "Nothing was deleted" in gatehouse("trash", "list", "Acme").stdout
    with gatehouse.app.app_context(), transaction(acme, EVE) as work:
        ada = db.session.query(User).one().id
        users.delete(work, ada)
    assert "\x1b" not in gatehouse("trash", "list", "Acme").stdout
    (row,) = gatehouse("trash", "list", "Acme", "--type", "user", "--json")["deleted"]
    assert (row["id"], row["name"]) == (ada, "ada")
    assert gatehouse("trash", "list", "Acme", "--type", "group", "--json") == {"deleted": []}
    assert "'ada' is back" in gatehouse("trash", "restore", "Acme", ada).stdout
    with gatehouse.app.app_context():
        assert db.session.query(User).one().id == ada
