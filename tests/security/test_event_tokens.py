"""What is said of an event, by its kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.security.event_tokens import (
    FAMILIES,
    OWN,
    PATCH,
    PROVISIONING,
    SESSION_REVOKED,
    Event,
    events_of,
    fits_any,
    uris,
    wanted_of,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def an_event(type_: str, before: Any = None, after: Any = None, **more: Any) -> Event:
    target = type_.partition(".")[0]
    event = {
        "account_id": "a",
        "id": "e",
        "sequence": 1,
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "target_type": target,
        "target_id": "t",
        "target_name": "T",
        "txn": "r",
        "by": "admin",
    }
    return Event(**event | {"type": type_, "before": before, "after": after} | more)


def operations(event: Event) -> list[dict[str, Any]]:
    data = events_of(event)[f"{PROVISIONING}:patch:full"]["data"]
    assert data["schemas"] == [PATCH]
    return data["Operations"]


def test_who_is_created_is_told_in_full():
    after = {"userName": "ada", "externalId": None, "active": True, ENTERPRISE: {"department": "X"}}
    (data,) = events_of(an_event("user.created", after=after)).values()
    assert data == {
        "data": {
            "schemas": [USER, ENTERPRISE],
            "id": "t",
            "userName": "ada",
            "active": True,
            ENTERPRISE: {"department": "X"},
        }
    }


def test_a_change_names_what_is_new_and_what_is_gone():
    before = {
        "displayName": "A",
        "title": "x",
        "externalId": "1",
        "active": True,
        "name": {"givenName": "Ada", "familyName": "L", "middleName": "K"},
        ENTERPRISE: {"department": "X", "costCenter": "7"},
    }
    after = {
        "displayName": "B",
        "externalId": None,
        "active": True,
        "emails": [{"value": "a@b"}],
        "name": {"givenName": "Ada", "familyName": "M"},
        ENTERPRISE: {"department": "X"},
    }
    assert operations(an_event("user.updated", before, after)) == [
        {"op": "remove", "path": "externalId"},
        {"op": "remove", "path": "name.middleName"},
        {"op": "remove", "path": "title"},
        {"op": "remove", "path": f"{ENTERPRISE}:costCenter"},
        {
            "op": "replace",
            "value": {
                "displayName": "B",
                "emails": [{"value": "a@b"}],
                "name": {"familyName": "M"},
            },
        },
    ]


def test_becoming_active_is_an_event_of_its_own_and_tells_what_else_changed():
    only = an_event("user.deactivated", {"active": True}, {"active": False})
    assert events_of(only) == {f"{PROVISIONING}:deactivate": {}}
    more = an_event("user.activated", {"active": None, "title": "x"}, {"active": True})
    assert set(events_of(more)) == {f"{PROVISIONING}:activate", f"{PROVISIONING}:patch:full"}


def test_members():
    after = {"count": 2, "members": ["u", "g"], "member_groups": ["g"]}
    added = [{"value": "u", "type": "User"}, {"value": "g", "type": "Group"}]
    assert operations(an_event("group.members_added", after=after)) == [
        {"op": "add", "path": "members", "value": added}
    ]
    assert operations(an_event("group.members_removed", after=after)) == [
        {"op": "remove", "path": 'members[value eq "u"]'},
        {"op": "remove", "path": 'members[value eq "g"]'},
    ]


@pytest.mark.parametrize("type_", ["user.deleted", "group.deleted"])
def test_what_is_deleted(type_):
    assert events_of(an_event(type_, {"userName": "x"})) == {f"{PROVISIONING}:delete": {}}


def test_a_session_that_ended():
    event = an_event("session.revoked", after={"reason": "signed out", "session": "s"}, by="user")
    assert events_of(event) == {
        SESSION_REVOKED: {
            "event_timestamp": 1767312000,
            "initiating_entity": "user",
            "reason_admin": {"en": "signed out"},
        }
    }


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("grant.given", None, {"role_id": "viewer"}),
        ("folder.deleted", {"name": "x"}, None),
        ("user.updated", {"undeclared": {}}, {"undeclared": {"x": 1}}),
        ("user.updated", {"title": "x"}, {"title": "x"}),
        ("user.password_changed", None, None),
    ],
)
def test_everything_else_is_told_in_our_words(type_, before, after):
    ((uri, payload),) = events_of(an_event(type_, before, after)).items()
    assert uri == f"{OWN}:{type_.replace('.', ':')}"
    assert payload["target"] == {"type": type_.partition(".")[0], "id": "t", "name": "T"}
    assert (payload.get("before"), payload.get("after")) == (before, after)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        *((each, True) for each in (*uris(), *FAMILIES)),
        *((each, True) for each in ("*", "urn:*", f"{OWN}:grant:given", f"{OWN}:grant:*")),
        *((each, False) for each in ("foo:bar", "foo:*", OWN, "urn:ietf", f"{PROVISIONING}:x*")),
    ],
)
def test_what_fits_no_event(wanted, fits):
    assert fits_any(wanted) == fits


def test_what_a_stream_wants():
    events = {uri: {} for uri in uris()}
    assert wanted_of(events, []) == events
    assert set(wanted_of(events, [SESSION_REVOKED, "urn:nothing"])) == {SESSION_REVOKED}
    assert set(wanted_of(events, [f"{PROVISIONING}:*"])) == set(events) - {SESSION_REVOKED}
    assert wanted_of(events, ["urn:ietf"]) == {}
