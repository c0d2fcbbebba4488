"""The account says from which addresses SCIM may be reached."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from app.directory import addresses, clients, provisioning_log
from app.security.requests import settings
from app.security.sessions import cookie_name
from app.store.database import db
from app.store.models import AddressRule, Connection
from app.store.types import now
from scim.routes import PREFIX
from tests.conftest import write
from tests.factories import a_session, a_user, an_account
from tests.inspection import row, statements
from tests.scim.conftest import new_client

OFFICE = "203.0.113.0/24"


def allow(account_id, *networks, surface="scim", ends=None):
    with write(account_id) as work:
        for network in networks:
            addresses.add(work, surface, network, "", ends)


def ask(scim, address, path="/Users", **headers):
    """The status of a request whose peer has this address."""
    sent = {"Authorization": f"Bearer {scim.token}"} | headers
    environ = {"REMOTE_ADDR": address}
    answer = scim.app.test_client().get(PREFIX + path, headers=sent, environ_base=environ)
    return answer.status_code


def test_without_rules_it_is_open(scim, account):
    allow(account, OFFICE, surface="api")
    allow(an_account(), OFFICE)
    assert ask(scim, "198.51.100.1") == 200


def test_only_addresses_in_a_rule_pass(scim, account):
    allow(account, OFFICE, "2001:db8::/32")
    assert ask(scim, "203.0.113.9") == 200
    assert ask(scim, "::ffff:203.0.113.9") == 200
    assert ask(scim, "2001:db8::1") == 200
    assert ask(scim, "198.51.100.1") == 401
    assert ask(scim, "2001:db9::1") == 401
    assert ask(scim, "") == 401
    for path in ("/", "/ServiceProviderConfig", "/Schemas", "/Me", "/nowhere"):
        assert ask(scim, "198.51.100.1", path) == 401


def test_why_stands_in_the_log(scim, account):
    allow(account, OFFICE)
    ask(scim, "198.51.100.1")
    ask(scim, "")
    unknown, known = provisioning_log.find(account, failures=True)
    assert known.row.detail == "The address 198.51.100.1 is not allowed for SCIM."
    assert (known.row.address, known.row.status) == ("198.51.100.1", 401)
    assert unknown.row.detail == "The address of the client is not allowed for SCIM."


def test_expired_rules_let_nobody_in(scim, account):
    allow(account, OFFICE, ends=now() + timedelta(hours=1))
    assert ask(scim, "203.0.113.9") == 200
    with write(account):
        db.session.execute(AddressRule.__table__.update().values(expires_at=now()))
    assert ask(scim, "203.0.113.9") == ask(scim, "198.51.100.1") == 401


@pytest.mark.parametrize("header", ["203.0.113.9", "198.51.100.1, 203.0.113.9"])
def test_nobody_makes_up_an_address(scim, account, header):
    allow(account, OFFICE)
    spoofed = {"X-Forwarded-For": header, "X-Real-Ip": header, "Forwarded": f"for={header}"}
    assert ask(scim, "198.51.100.1", **spoofed) == 401
    assert ask(scim, "203.0.113.9", **{"X-Forwarded-For": "198.51.100.1"}) == 200


def test_a_trusted_proxy_says_it(scim, account):
    allow(account, OFFICE)
    scim.app.extensions["gatehouse"] = settings().__class__(
        secret_key=settings().secret_key, trusted_proxies=(ip_network("10.0.0.0/8"),)
    )
    assert ask(scim, "10.0.0.1", **{"X-Forwarded-For": "203.0.113.9"}) == 200
    assert ask(scim, "10.0.0.1", **{"X-Forwarded-For": "198.51.100.1"}) == 401
    assert ask(scim, "10.0.0.1", **{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}) == 401


def test_the_tokens_own_list_counts_too(app, account):
    allow(account, OFFICE)
    scim = new_client(app, account)
    with write(account):
        db.session.execute(
            db.metadata.tables["tokens"].update().values(networks=["203.0.113.0/28"])
        )
    assert ask(scim, "203.0.113.9") == 200
    assert ask(scim, "203.0.113.99") == 401


def test_it_costs_no_statement(scim, account):
    def cost():
        with statements() as seen:
            assert ask(scim, "203.0.113.9") == 200
        return len(seen)

    ask(scim, "203.0.113.9")
    without = cost()
    allow(account, *(f"10.0.{number}.0/24" for number in range(20)), OFFICE)
    assert cost() == without


def test_oauth_clients_are_held_to_it(scim, account):
    with write(account) as work:
        connection = row(Connection, account_id=account).id
        client = clients.create(work, connection, "Entra", ["users"])
    allow(account, OFFICE)
    form = {
        "grant_type": "client_credentials",
        "client_id": client.id,
        "client_secret": client.secret,
    }

    def token(address):
        peer = {"REMOTE_ADDR": address}
        return scim.app.test_client().post("/oauth/token", data=form, environ_base=peer)

    refused = token("198.51.100.1")
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")
    issued = token("203.0.113.9").get_json()["access_token"]
    bearer = {"Authorization": f"Bearer {issued}"}
    assert ask(scim, "203.0.113.9", **bearer) == 200
    assert ask(scim, "198.51.100.1", **bearer) == 401


def test_people_at_their_own_resource_are_held_to_it(app, account):
    secret = a_session(account, a_user(account, "ada"))

    def me(address):
        browser = app.test_client()
        browser.set_cookie(cookie_name(settings()), secret)
        return browser.get(f"{PREFIX}/Me", environ_base={"REMOTE_ADDR": address}).status_code

    assert me("198.51.100.1") == 200
    allow(account, OFFICE)
    assert me("203.0.113.9") == 200
    assert me("198.51.100.1") == 401
