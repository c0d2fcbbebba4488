"""``gatehouse address``."""

from __future__ import annotations

import pytest

from app.directory import users
from app.directory.users import Profile
from app.directory.work import Actor
from tests.conftest import write
from tests.factories import an_account


@pytest.fixture
def acme(gatehouse) -> str:
    with gatehouse.app.app_context():
        return an_account("Acme")


def test_rules_are_added_listed_and_removed(gatehouse, acme):
    assert "every address may reach every surface" in gatehouse("address", "list", "Acme").stdout
    add = ("address", "add", "Acme", "scim", "203.0.113.7", "--note", "Okta")
    rule = gatehouse(*add, "--until", "2999-01-02", "--json")
    assert (rule["network"], rule["note"]) == ("203.0.113.7/32", "Okta")
    assert rule["expires_at"] == "2999-01-02T00:00:00+00:00"
    line = f"{rule['id']}  scim  203.0.113.7/32, ends 2999-01-02 00:00 UTC  Okta\n"
    assert gatehouse("address", "list", "Acme").stdout == line
    assert gatehouse("address", "list", "Acme", "--json")["rules"] == [rule]
    removed = gatehouse("address", "remove", "Acme", rule["id"])
    assert removed.stdout == (
        "The rule for 203.0.113.7/32 is removed. Every address may reach scim now.\n"
    )
    assert gatehouse("address", "remove", "Acme", rule["id"], exit_code=2).stderr


def test_one_is_told_what_is_wrong(gatehouse, acme):
    add = ("address", "add", "Acme")
    assert "no network" in gatehouse(*add, "api", "203.0.113.1/24", exit_code=2).stderr
    assert "saml" in gatehouse(*add, "saml", "203.0.113.0/24", exit_code=2).stderr
    past = gatehouse(*add, "api", "203.0.113.0/24", "--until", "2020-01-01", exit_code=2)
    assert "in the future" in past.stderr


def test_a_dry_run(gatehouse, acme):
    with gatehouse.app.app_context():
        okta = Actor(type="token", name="okta\x1b[2J", surface="api", address="198.51.100.7")
        with write(acme, okta) as work:
            users.create(work, Profile("ada"))
    try_ = ("address", "try", "Acme", "api")
    found = gatehouse(*try_, "203.0.113.0/24", "--json")
    (refused,) = found["refused"]
    assert (refused["address"], refused["events"]) == ("198.51.100.7", 1)
    assert not found["cut_off"]
    text = gatehouse(*try_, "203.0.113.0/24").stdout
    assert text.startswith("198.51.100.7  okta\ufffd[2J: 1 event(s), last ")
    nobody = "Nobody of the last 30 days would be refused.\n"
    assert gatehouse(*try_, "203.0.113.0/24", "198.51.100.0/24").stdout == nobody
    gatehouse("address", "add", "Acme", "api", "198.51.100.0/24")
    assert gatehouse(*try_, "203.0.113.0/24", "--add").stdout == nobody
    assert gatehouse("address", "list", "Acme", "--json")["rules"][0]["surface"] == "api"
