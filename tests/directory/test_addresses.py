"""Address rules: kept, ended, taken away, and nobody shuts themselves out unawares."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import addresses
from app.directory.addresses import RULES_LIMIT
from app.directory.errors import Invalid, NotFound, Taken, WouldLockOut
from app.directory.work import Actor
from app.security.addresses import allowed
from app.store.models import AddressRule
from app.store.types import now
from tests.conftest import write
from tests.factories import an_account
from tests.inspection import audit, outgoing, row, rows

OFFICE, HOME = "203.0.113.0/24", "198.51.100.7"
WEEK = timedelta(days=7)


def somebody(surface="console", address="203.0.113.9"):
    return Actor(type="user", id="u", name="ada", surface=surface, address=address)


def add(account_id, surface, network, *args, by=None, **options):
    with write(account_id, *([by] if by else [])) as work:
        return addresses.add(work, surface, network, *args, **options)


def test_a_rule_is_kept_and_written_down(account):
    ends = now() + WEEK
    rule = add(account, "scim", " ::ffff:203.0.113.0/120 ", " Office ", ends, by=somebody())
    assert (rule.surface, rule.network, rule.note) == ("scim", OFFICE, "Office")
    assert (rule.created_by, rule.expires_at) == ("ada", ends)
    assert addresses.listed(account) == [rule] == addresses.listed(account, "scim")
    assert addresses.find(account, rule.id) == rule
    assert addresses.listed(account, "api") == []
    document = {
        "surface": "scim",
        "network": OFFICE,
        "note": "Office",
        "expires_at": ends.isoformat(),
    }
    (event,) = audit(account, "address_rule.added")
    assert (event.target_type, event.target_id, event.target_name) == (
        "address_rule",
        rule.id,
        OFFICE,
    )
    assert (event.before, event.after, event.actor_name) == (None, document, "ada")

    with write(account) as work:
        changed = addresses.change(work, rule.id, HOME, "Home", None)
    (event,) = audit(account, "address_rule.changed")
    assert event.before == document
    home = {"surface": "scim", "network": f"{HOME}/32", "note": "Home", "expires_at": None}
    assert event.after == home
    assert addresses.listed(account) == [changed]

    with write(account) as work:
        addresses.remove(work, rule.id)
    (event,) = audit(account, "address_rule.removed")
    assert (event.before, event.after) == (home, None)
    assert addresses.listed(account) == []
    assert outgoing(account)[-3:] == [
        "address_rule.added",
        "address_rule.changed",
        "address_rule.removed",
    ]


def test_what_stays_as_it_is_is_no_event(account):
    rule = add(account, "scim", OFFICE, "Office")
    with write(account) as work:
        addresses.change(work, rule.id, OFFICE, "Office", None)
    assert not audit(account, "address_rule.changed")


@pytest.mark.parametrize(
    ("surface", "network", "note", "why"),
    [
        ("saml", OFFICE, "", "Surfaces are: console, api, scim"),
        ("scim", "203.0.113.1/24", "", "no network"),
        ("scim", "", "", "must not be empty"),
        ("scim", "1" * 65, "", "longer than 64"),
        ("scim", "fe80::1%eth0", "", "no network"),
        ("scim", OFFICE, "x" * 257, "longer than 256"),
        ("scim", OFFICE, "a\0b", "not allowed"),
    ],
)
def test_what_is_no_rule(account, surface, network, note, why):
    with pytest.raises(Invalid, match=why):
        add(account, surface, network, note)


def test_a_rule_ends_in_the_future(account):
    with pytest.raises(Invalid, match="future"):
        add(account, "scim", OFFICE, "", now() - WEEK)
    rule = add(account, "scim", OFFICE)
    with pytest.raises(Invalid, match="future"), write(account) as work:
        addresses.change(work, rule.id, OFFICE, "", now() - WEEK)


def test_a_network_has_one_rule_on_a_surface(account):
    first = add(account, "scim", OFFICE)
    with pytest.raises(Taken, match=r"a rule for 203\.0\.113\.0/24 already"):
        add(account, "scim", "::ffff:203.0.113.0/120")
    add(account, "api", OFFICE)
    second = add(account, "scim", HOME)
    with pytest.raises(Taken), write(account) as work:
        addresses.change(work, second.id, OFFICE, "", None)
    with write(account) as work:
        addresses.change(work, first.id, OFFICE, "the same", None)


def test_there_may_be_so_many(account):
    with write(account) as work:
        for number in range(RULES_LIMIT):
            addresses.add(work, "scim", f"10.0.{number}.0/24")
        with pytest.raises(Invalid, match="200 rules at most"):
            addresses.add(work, "scim", OFFICE)
        addresses.add(work, "api", OFFICE)
    assert allowed(account, "scim", "10.0.199.1")
    assert not allowed(account, "scim", "10.0.200.1")


def test_another_account_has_no_such_rule(account):
    rule = add(account, "scim", OFFICE)
    other = an_account()
    with pytest.raises(NotFound), write(other) as work:
        addresses.change(work, rule.id, HOME, "", None)
    with pytest.raises(NotFound), write(other) as work:
        addresses.remove(work, rule.id)
    with pytest.raises(NotFound):
        addresses.find(other, rule.id)
    assert row(AddressRule).network == OFFICE


# -- The author ---------------------------------------------------------------


@pytest.mark.parametrize("by", ["console", "api"])
@pytest.mark.parametrize("surface", ["console", "api"])
def test_nobody_shuts_themselves_out_unawares(account, surface, by):
    ada = somebody(by)
    with pytest.raises(WouldLockOut, match=r"Your address 203\.0\.113\.9 .* with confirm"):
        add(account, surface, HOME, by=ada)
    assert rows(AddressRule) == [] and not audit(account, "address_rule.added")
    office = add(account, surface, OFFICE, by=ada)
    add(account, surface, HOME, by=ada)
    with pytest.raises(WouldLockOut), write(account, ada) as work:
        addresses.remove(work, office.id)
    with pytest.raises(WouldLockOut), write(account, ada) as work:
        addresses.change(work, office.id, "192.0.2.0/24", "", None)
    with write(account, ada) as work:
        addresses.change(work, office.id, OFFICE, "a note is no danger", None)
        addresses.remove(work, office.id, confirm=True)
    assert not allowed(account, surface, ada.address)


def test_taking_the_last_rule_away_opens_the_surface(account):
    rule = add(account, "console", HOME)
    with write(account, somebody()) as work:
        addresses.remove(work, rule.id)
    assert allowed(account, "console", "203.0.113.9")


def test_nor_do_they_for_later(account):
    ada, ends = somebody(), now() + WEEK
    with pytest.raises(WouldLockOut, match=f"after {ends:%Y-%m-%d %H:%M} UTC"):
        add(account, "console", OFFICE, "", ends, by=ada)
    add(account, "console", OFFICE, "", ends, by=ada, confirm=True)
    lasting = add(account, "console", "203.0.113.8/29", by=ada)
    later = ends + WEEK
    add(account, "console", "203.0.113.8/30", "", later, by=ada)
    soon = pytest.raises(WouldLockOut, match=f"after {later:%Y-%m-%d %H:%M} UTC")
    with soon, write(account, ada) as work:
        addresses.remove(work, lasting.id)


def test_whose_address_cannot_be_told_would_be_out(account):
    with pytest.raises(WouldLockOut, match="cannot be told"):
        add(account, "console", "0.0.0.0/0", by=somebody(address=None))


def test_a_mapped_address_is_the_ipv4_one(account):
    add(account, "console", OFFICE, by=somebody(address="::ffff:203.0.113.9"))


def test_the_command_and_the_rules_of_scim_bind_nobody(account):
    add(account, "console", HOME)
    add(account, "scim", HOME, by=somebody())
