"""Administrators use the console from allowed addresses; other people, and applications, do not
notice."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlalchemy import update

from app.directory import addresses
from app.security.requests import settings
from app.security.secrets import digest
from app.store.database import db
from app.store.models import Session
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_grant, a_group, a_session, a_user
from tests.inspection import audit, rows, statements

OFFICE, HOME = "203.0.113.9", "198.51.100.1"
APPLICATION = "https://media.example.com"


def allow(account_id, network="203.0.113.0/24"):
    with write(account_id) as work:
        return addresses.add(work, "console", network)


def come(browser, address, path="/", method="GET", **options):
    """Open a page, the browser's peer having this address."""
    return browser.open(method, path, environ_base={"REMOTE_ADDR": address}, **options)


@pytest.fixture
def admin(browser, account) -> Browser:
    zoe = a_user(account, "zoe")
    a_grant(account, zoe, "technical_admin")
    browser.sign_in(a_session(account, zoe))
    return browser


PAGES = ("/", "/me/sessions", "/me/password", "/me/second-factor")


@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_is_refused_every_page_from_elsewhere(admin, account, path):
    assert come(admin, HOME, path).status_code == 200
    allow(account)
    assert come(admin, OFFICE, path).status_code == 200
    answer = come(admin, HOME, path)
    assert answer.status_code == 403
    text = answer.get_data(as_text=True)
    assert f"Your address is {HOME}." in text and "Ask another administrator" in text
    assert "zoe" not in text


def test_nothing_is_written_from_elsewhere_either(admin, account):
    a_session(account, rows(Session)[0].user_id)
    form = dict(admin.form("/me/sessions", "/me/sessions/end-others").form_values())
    allow(account)
    path = "/me/sessions/end-others"
    referrer = {"headers": {"Referer": admin.base_url + "/me/sessions"}, "data": form}
    assert come(admin, HOME, path, "POST", **referrer).status_code == 403
    assert not audit(account, "session.revoked")


def test_other_people_are_not_bound(browser, account):
    bob = a_user(account, "bob")
    a_grant(account, bob, "media_library_admin")
    browser.sign_in(a_session(account, bob))
    allow(account)
    assert come(browser, HOME).status_code == 200


def test_who_administers_through_a_group_is_bound(browser, account):
    eve = a_user(account, "eve")
    a_grant(account, a_group(account, members=[eve]), "reports")
    browser.sign_in(a_session(account, eve))
    allow(account)
    assert come(browser, HOME).status_code == 403


def test_a_refusal_is_written_down_once_a_minute(admin, account):
    allow(account)
    for _ in range(3):
        come(admin, HOME)
    events = audit(account, "address.refused")
    assert 1 <= len(events) <= 2  # a minute may end in between
    assert (events[0].outcome, events[0].actor_name, events[0].address) == ("refused", "zoe", HOME)
    assert events[0].reason == f"The address {HOME} is not allowed for the console."


def test_nobody_makes_up_an_address(admin, account):
    allow(account)
    spoofed = {"headers": {"X-Forwarded-For": OFFICE}}
    assert come(admin, HOME, **spoofed).status_code == 403
    admin.app.extensions["gatehouse"] = replace(
        settings(), trusted_proxies=(ip_network(f"{HOME}/32"),)
    )
    assert come(admin, HOME, **spoofed).status_code == 200


def test_an_address_that_cannot_be_told_is_refused(admin, account):
    allow(account, "0.0.0.0/0")
    assert "Your address cannot be told." in come(admin, "").get_data(as_text=True)


def test_applications_are_never_bound(admin, account):
    admin.app.extensions["gatehouse"] = replace(settings(), applications=(APPLICATION,))
    allow(account)
    assert come(admin, HOME, "/api/forward-auth").status_code == 204
    assert come(admin, HOME, "/api/session").status_code == 200
    path = f"/sign-in/application?to={APPLICATION}/x&start={digest('x')}"
    answer = come(admin, HOME, path)
    assert answer.status_code == 303
    assert answer.location.startswith(f"{APPLICATION}/.gatehouse/enter?")
    # On the way there the sign-in page shows nothing, and sends them on.
    assert come(admin, HOME, "/sign-in?next=/sign-in/application").status_code == 303


def test_one_may_sign_out_from_anywhere(admin, account):
    form = dict(admin.form("/", "/sign-out").form_values())
    allow(account)
    referrer = {"headers": {"Referer": admin.base_url + "/"}, "data": form}
    assert come(admin, HOME, "/sign-out", "POST", **referrer).status_code == 303
    assert len(audit(account, "session.revoked")) == 1


@pytest.mark.parametrize(("awaits", "status"), [("second_factor", 200), ("enrolment", 403)])
def test_a_first_factor_is_added_where_one_may_administer(admin, account, awaits, status):
    """A factor is used from anywhere, as on the way to an application; a password alone adds
    none."""
    allow(account)
    with write(account):
        db.session.execute(update(Session).values(awaits=awaits))
    path = "/sign-in/second-factor" if awaits == "second_factor" else "/sign-in/enrol"
    assert come(admin, OFFICE, path).status_code == 200
    assert come(admin, HOME, path).status_code == status


def test_what_people_may_do_is_asked_of_those_alone_whom_rules_refuse(admin, account):
    def cost(address):
        with statements() as seen:
            assert come(admin, address, "/me/sessions").status_code == 200
        return len(seen)

    without = cost(HOME)
    allow(account)
    assert cost(OFFICE) == without
