"""Which addresses rules let in: held against a model that knows nothing of how it is done."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from app.directory.addresses import cleaned
from app.security.addresses import allowed
from app.store.database import db
from app.store.models import AddressRule
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import an_account
from tests.inspection import statements

HOUR = timedelta(hours=1)


def set_rules(account_id, *rules, surface="scim"):
    """Have these rules, each a network and when it ends, and no others."""
    key = {"account_id": account_id, "surface": surface}
    with write(account_id):
        db.session.execute(delete(AddressRule))
        for network, ends in rules:
            row = key | {"id": new_id(), "network": cleaned(network), "expires_at": ends}
            db.session.execute(insert(AddressRule), [row])


# Few bits vary, so that addresses lie in networks often enough.
v4 = st.integers(0, 255).map(lambda low: ipaddress.IPv4Address(0xCB007100 + low))
v6 = st.integers(0, 255).map(lambda low: ipaddress.IPv6Address((0x20010DB8 << 96) + low))
anywhere = st.ip_addresses()
address = st.one_of(v4, v6, anywhere)


def written(each, mapped):
    """An address as a peer may have it, an IPv4 one perhaps in its IPv6 form."""
    return f"::ffff:{each}" if mapped and each.version == 4 else str(each)


@st.composite
def networks(draw):
    base = draw(address)
    longest = base.max_prefixlen
    prefix = draw(st.one_of(st.integers(longest - 8, longest), st.integers(0, longest)))
    network = ipaddress.ip_network((base, prefix), strict=False)
    if network.version == 4 and draw(st.booleans()):
        return f"::ffff:{network.network_address}/{prefix + 96}"
    return str(network)


ends = st.sampled_from([None, HOUR, -HOUR])


def model(rules, client):
    """Whether a client gets in: by whole numbers, whatever the form of an address."""

    def number(each):
        return int(each) + (0xFFFF << 32 if each.version == 4 else 0)

    if not rules:
        return True
    for text, lasts in rules:
        network = ipaddress.ip_network(text)
        first, last = network[0], network[-1]
        is_v4 = client.version == 4 or client.ipv4_mapped is not None
        within_v4 = number(first) >= 0xFFFF << 32 and number(last) < 0x10000 << 32
        inside = is_v4 == within_v4 and number(first) <= number(client) <= number(last)
        if inside and lasts != -HOUR:
            return True
    return False


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rules=st.lists(st.tuples(networks(), ends), max_size=5),
    clients=st.lists(st.tuples(address, st.booleans()), min_size=5, max_size=20),
)
def test_the_decision_is_that_of_a_model(app, account, rules, clients):
    at = now()
    set_rules(account, *((text, lasts and at + lasts) for text, lasts in unique(rules)))
    for client, mapped in clients:
        expected = model(rules, client)
        assert allowed(account, "scim", written(client, mapped)) == expected, client
    assert allowed(account, "scim", None) == (not rules)


def unique(rules):
    """Rules with those left out whose network is there already: the longer-lived one stays."""
    best = {}
    for text, lasts in rules:
        kept = cleaned(text)
        order = {None: 2, HOUR: 1, -HOUR: 0}
        if kept not in best or order[lasts] > order[best[kept][1]]:
            best[kept] = (text, lasts)
    return best.values()


def test_without_a_rule_it_is_open_to_all(account):
    assert allowed(account, "api", "203.0.113.9")
    assert allowed(account, "api", None)


def test_expired_rules_open_nothing(account):
    set_rules(account, ("203.0.113.0/24", now() - HOUR))
    assert not allowed(account, "scim", "203.0.113.9")
    assert not allowed(account, "scim", "198.51.100.1")
    set_rules(account, ("203.0.113.0/24", now() - HOUR), ("198.51.100.1", None))
    assert not allowed(account, "scim", "203.0.113.9")
    assert allowed(account, "scim", "198.51.100.1")


def test_a_rule_ends_while_the_process_runs(account, monkeypatch):
    set_rules(account, ("203.0.113.0/24", now() + timedelta(milliseconds=300)))
    assert allowed(account, "scim", "203.0.113.9")
    assert until(lambda: not allowed(account, "scim", "203.0.113.9"))


def until(holds, seconds=5):
    """Wait until something holds."""
    end = now() + timedelta(seconds=seconds)
    while now() < end:
        if holds():
            return True
    return False


@pytest.mark.parametrize("address", [None, "", "nonsense", "203.0.113.9:80", "203.0.113.9, ::1"])
def test_an_address_that_cannot_be_told_is_refused_where_there_are_rules(account, address):
    set_rules(account, ("0.0.0.0/0", None), ("::/0", None))
    assert not allowed(account, "scim", address)


def test_surfaces_and_accounts_are_apart(account):
    other = an_account()
    set_rules(account, ("203.0.113.0/24", None), surface="api")
    assert not allowed(account, "api", "198.51.100.1")
    assert allowed(account, "scim", "198.51.100.1")
    assert allowed(account, "console", "198.51.100.1")
    assert allowed(other, "api", "198.51.100.1")


def test_it_is_one_statement(account):
    set_rules(account, *((f"10.0.{number}.0/24", None) for number in range(50)))
    with statements() as seen:
        assert allowed(account, "scim", "10.0.49.7")
    assert len(seen) == 1
