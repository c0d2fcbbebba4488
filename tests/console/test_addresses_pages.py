"""Addresses in the console: the rules, and what they would say to whom."""

from __future__ import annotations

import pytest

from app.directory import address_preview, addresses
from app.directory.work import Actor, Target
from app.store.models import AddressRule
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_grant, a_session, a_user
from tests.inspection import row, rows


@pytest.fixture
def admin(browser, account) -> Browser:
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "technical_admin")
    browser.sign_in(a_session(account, user_id))
    return browser


def a_rule(account: str, surface: str, network: str) -> str:
    with write(account) as work:
        return addresses.add(work, surface, network, confirm=True).id


def test_without_rules_everything_is_open_and_the_own_address_is_told(admin):
    text = admin.text("/addresses")
    assert "Your address is 127.0.0.1." in text
    assert text.count("open to every address") == 3


def test_it_is_shown_who_would_be_refused_before_it_is_saved(admin, account):
    asked = {"surface": "console", "network": "203.0.113.0/24"}
    seen = admin.submit("/addresses/new", preview="1", **asked).get_data(as_text=True)
    assert "Your address is 127.0.0.1 and would be refused." in seen
    allowed = admin.submit("/addresses/new", preview="1", surface="scim", network="127.0.0.0/8")
    assert "Your address is 127.0.0.1 and would be allowed." in allowed.get_data(as_text=True)
    assert rows(AddressRule, account_id=account) == []


def test_it_is_said_when_more_came_than_are_shown(admin, account, monkeypatch):
    user_id = a_user(account)
    for number in range(3):
        actor = Actor(
            type="user", id=user_id, name="bob", surface="api", address=f"192.0.2.{number}"
        )
        with write(account, actor) as work:
            work.record("user.updated", Target("user", user_id))
    asked = {"surface": "api", "network": "203.0.113.0/24", "preview": "1"}
    seen = admin.submit("/addresses/new", **asked).get_data(as_text=True)
    assert "192.0.2.2" in seen and "There were more" not in seen
    monkeypatch.setattr(address_preview, "SHOWN", 2)
    assert "There were more" in admin.submit("/addresses/new", **asked).get_data(as_text=True)


def test_nobody_shuts_themselves_out_by_mistake(admin, account):
    asked = {"surface": "console", "network": "203.0.113.0/24"}
    answer = admin.submit("/addresses/new", **asked)
    assert answer.status_code == 200 and "alert-danger" in answer.get_data(as_text=True)
    assert rows(AddressRule, account_id=account) == []
    assert admin.submit("/addresses/new", confirm="y", **asked).status_code == 303
    assert row(AddressRule, account_id=account).network == "203.0.113.0/24"
    assert admin.get("/addresses").status_code == 403


def test_a_rule_is_changed_and_removed(admin, account):
    rule = a_rule(account, "scim", "203.0.113.0/24")
    assert "does not let your address in" in admin.text("/addresses")
    admin.submit(f"/addresses/{rule}", network="127.0.0.0/8", note="here")
    assert "lets your address in" in admin.text("/addresses")
    assert row(AddressRule, id=rule).note == "here"
    assert "It is the last one" in admin.text(f"/addresses/{rule}/remove")
    admin.submit(f"/addresses/{rule}/remove")
    assert rows(AddressRule, account_id=account) == []


@pytest.mark.parametrize("network", ["", "nonsense", "999.0.0.1", "203.0.113.0/24" * 9])
def test_what_is_no_network_is_said(admin, account, network):
    for preview in ({}, {"preview": "1"}):
        answer = admin.submit("/addresses/new", surface="scim", network=network, **preview)
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert "network-wrong" in text or "alert-danger" in text
    assert rows(AddressRule, account_id=account) == []
