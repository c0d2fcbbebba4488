"""The dry run: whom of the last days rules would shut out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.directory import address_preview
from app.directory.address_preview import preview
from app.directory.errors import Invalid
from app.store.database import db, table
from app.store.models import AuditEvent, ProvisioningEntry
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import a_grant, a_group, a_user, an_account

OFFICE = "203.0.113.0/24"
DAY = timedelta(days=1)


def event(account_id, address, *, days=0, **columns):
    """A line of the audit log."""
    values = {
        "account_id": account_id,
        "id": new_id(),
        "at": now() - days * DAY,
        "action": "user.updated",
        "outcome": "success",
        "actor_type": "token",
        "actor_id": None,
        "actor_name": "okta",
        "surface": "api",
        "target_type": "user",
        "address": address,
    }
    with write(account_id):
        db.session.execute(insert(table(AuditEvent)), [values | columns])


def line(account_id, address, *, days=0, status=200):
    """A line of the provisioning log."""
    values = {
        "account_id": account_id,
        "id": new_id(),
        "at": now() - days * DAY,
        "actor_name": "okta",
        "address": address,
        "method": "POST",
        "path": "/Users",
        "status": status,
        "duration_us": 1,
        "notes": [],
    }
    with write(account_id):
        db.session.execute(insert(table(ProvisioningEntry)), [values])


def found(account_id, surface, *networks, **options):
    seen = preview(account_id, surface, networks, **options)
    assert not seen.cut_off
    return [(each.address, each.names, each.events) for each in seen.refused]


def test_whoever_came_from_elsewhere_would_be_refused(account):
    event(account, "198.51.100.7", days=3)
    event(account, "198.51.100.7", actor_name="report", days=2)
    event(account, "198.51.100.7", days=1)
    event(account, "203.0.113.9")
    event(account, "2001:db8::1", days=5)
    event(account, None, days=6)
    assert found(account, "api", OFFICE) == [
        ("198.51.100.7", ("okta", "report"), 3),
        ("2001:db8::1", ("okta",), 1),
        (None, ("okta",), 1),
    ]
    first = preview(account, "api", [OFFICE]).refused[0]
    assert abs(first.last_seen - (now() - DAY)) < timedelta(minutes=1)
    assert found(account, "api", OFFICE, "::ffff:198.51.100.0/120", "2001:db8::/32") == [
        (None, ("okta",), 1)
    ]


def test_without_networks_it_is_open(account):
    event(account, "198.51.100.7")
    assert found(account, "api") == []


def test_what_is_old_refused_or_elsewhere_does_not_count(account):
    event(account, "198.51.100.1", days=31)
    event(account, "198.51.100.2", outcome="refused")
    event(account, "198.51.100.3", surface="cli")
    event(an_account(), "198.51.100.4")
    assert found(account, "api", OFFICE) == []
    assert found(account, "api", OFFICE, days=40) == [("198.51.100.1", ("okta",), 1)]


def test_scim_is_in_two_logs(account):
    line(account, "198.51.100.7")
    line(account, "198.51.100.7", status=409, days=2)
    line(account, "198.51.100.8", status=401)
    line(account, "198.51.100.9", days=31)
    line(an_account(), "198.51.100.10")
    event(account, "198.51.100.7", surface="scim", days=1)
    assert found(account, "scim", OFFICE) == [("198.51.100.7", ("okta",), 3)]


def test_of_the_console_those_count_who_administer(account):
    ada, bob, eve = (a_user(account, name) for name in ("ada", "bob", "eve"))
    group = a_group(account, members=[eve])
    a_grant(account, ada, "admin")
    a_grant(account, bob, "media_library_admin")
    a_grant(account, group, "billing")
    for id_, name, address in (
        (ada, "ada", "198.51.100.1"),
        (bob, "bob", "198.51.100.2"),
        (None, "holder of a sign-in link", "198.51.100.3"),
    ):
        event(account, address, surface="console", actor_id=id_, actor_name=name, days=1)
    signed_in = {"action": "session.opened", "surface": "saml", "actor_type": "connection"}
    event(account, "198.51.100.4", target_id=eve, target_name="eve", **signed_in)
    event(account, "198.51.100.5", target_id=bob, target_name="bob", **signed_in)
    assert found(account, "console", OFFICE) == [
        ("198.51.100.4", ("eve",), 1),
        ("198.51.100.1", ("ada",), 1),
    ]


def test_it_is_bounded(account, monkeypatch):
    for number in range(4):
        event(account, f"198.51.100.{number}", days=number)
    monkeypatch.setattr(address_preview, "SHOWN", 3)
    seen = preview(account, "api", [OFFICE])
    assert seen.cut_off
    assert [each.address[-1] for each in seen.refused] == ["0", "1", "2"]
    monkeypatch.setattr(address_preview, "READ_LIMIT", 2)
    seen = preview(account, "api", [OFFICE])
    assert (len(seen.refused), seen.cut_off) == (2, True)


@pytest.mark.parametrize(
    ("surface", "networks", "days"),
    [
        ("saml", [OFFICE], 30),
        ("api", ["nonsense"], 30),
        ("api", [OFFICE] * 201, 30),
        ("api", [OFFICE], 0),
        ("api", [OFFICE], 366),
    ],
)
def test_what_cannot_be_tried(account, surface, networks, days):
    with pytest.raises(Invalid):
        preview(account, surface, networks, days=days)
