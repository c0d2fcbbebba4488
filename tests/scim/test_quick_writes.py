"""The short way to let people in and out comes to the same as the usual way."""

import json
import re

import pytest

from app.store.models import ProvisioningEntry, Session, User
from scim.plain import user
from scim.resources.groups import GroupKind
from scim.resources.users import UserKind
from tests.factories import a_session
from tests.inspection import audit, outgoing, row, rows, statements
from tests.inspection import epoch as epoch_of
from tests.scim.conftest import ENTERPRISE, USER, patch_body

SWITCHES = [
    {"op": "replace", "path": "active", "value": False},
    {"op": "Replace", "path": "active", "value": True},
    {"op": "replace", "path": "active", "value": "False"},
    {"op": "Add", "path": "active", "value": "True"},
    {"op": "replace", "value": {"active": False}},
    {"op": "add", "value": {"active": True}},
]
OTHERS = [
    {"op": "remove", "path": "active"},
    {"op": "replace", "path": "active", "value": None},
    {"op": "replace", "path": "active", "value": "perhaps"},
    {"op": "replace", "path": "active", "value": {"active": False}},
    {"op": "replace", "path": "ACTIVE", "value": False},
    {"op": "replace", "value": {"active": False, "title": "Countess"}},
    {"op": "replace", "value": {"Active": False}},
    {"op": "replace", "path": "active"},
    {"op": "replace", "value": False},
    {"op": "add", "value": "True"},
    {"op": "replace", "path": "active", "value": False, "more": 1},
    {"op": "set", "path": "active", "value": False},
]


def outcome(scim, account, name, active, operation):
    """What a PATCH of somebody new comes to, without what differs from one to the next."""
    user = scim.create("/Users", userName=name, active=True, title="Writer")["id"]
    if active is None:
        scim.patch(f"/Users/{user}", {"op": "remove", "path": "active"})
    elif not active:
        scim.patch(f"/Users/{user}", {"op": "replace", "value": {"active": False, "nickName": "A"}})
    else:
        a_session(account, user)
    events, sent, epoch = len(audit(account)), len(outgoing(account)), epoch_of(account)
    answer = scim.call("PATCH", f"/Users/{user}", patch_body(operation))
    body = answer.json
    if answer.status_code == 200:
        body = {key: item for key, item in body.items() if key not in ("id", "meta", "userName")}
    stored = row(User, account_id=account, id=user)
    logged = rows(ProvisioningEntry, account_id=account)[-1]
    return {
        "answer": (answer.status_code, answer.headers.get("ETag"), body),
        "row": (stored.active, stored.attributes, stored.version),
        "events": [(e.action, e.before, e.after) for e in audit(account)[events:]],
        "outgoing": outgoing(account)[sent:],
        "epoch": epoch_of(account) - epoch,
        "sessions": len(rows(Session, account_id=account, user_id=user)),
        "log": (logged.status, logged.scim_type, logged.detail, logged.notes),
    }


def both(scim, account, monkeypatch, active, operation):
    """The outcomes of the short way and the usual one; and whether the short way was taken."""
    apply, taken = UserKind.apply, []

    def watched(*arguments):
        taken.append(apply(*arguments))
        return taken[-1]

    monkeypatch.setattr(UserKind, "apply", watched)
    short = outcome(scim, account, "short", active, operation)
    monkeypatch.setattr(UserKind, "apply", lambda *_: False)
    usual = outcome(scim, account, "usual", active, operation)
    return short, usual, bool(taken) and taken[-1]


@pytest.mark.parametrize("active", [True, False, None])
@pytest.mark.parametrize("operation", SWITCHES, ids=str)
def test_letting_in_and_out_comes_to_the_same(scim, account, monkeypatch, active, operation):
    short, usual, taken = both(scim, account, monkeypatch, active, operation)
    assert short == usual
    assert taken


@pytest.mark.parametrize("operation", OTHERS, ids=str)
def test_whatever_else_a_patch_does_goes_the_usual_way(scim, account, monkeypatch, operation):
    short, usual, taken = both(scim, account, monkeypatch, True, operation)
    assert short == usual
    assert not taken


def test_nobody_who_is_not_there_is_let_in(scim):
    for body in (patch_body(SWITCHES[0]), patch_body(OTHERS[0])):
        answer = scim.call("PATCH", "/Users/nobody", body)
        assert (answer.status_code, answer.json["detail"]) == (404, "User 'nobody' not found")
    user = scim.create("/Users", userName="ada")["id"]
    stale = scim.call("PATCH", f"/Users/{user}", patch_body(SWITCHES[0]), If_Match='W/"7"')
    assert stale.status_code == 412


def test_what_letting_somebody_out_asks_of_the_database(scim):
    user = scim.create("/Users", userName="ada")["id"]
    scim.get("/Users")
    with statements() as seen:
        scim.patch(f"/Users/{user}", SWITCHES[0])
    assert len(seen) <= 14, seen


BODIES = [
    {"userName": "{}"},
    {"userName": "{}", "active": False, "externalId": "x", "displayName": "Ada", "title": "T"},
    {"userName": "{}", "emails": [{"value": "a@b.example", "type": "home", "primary": True}]},
    {"userName": "{}", "name": {"givenName": "Ada"}, ENTERPRISE: {"department": "Engines"}},
    {"userName": "{}", "phoneNumbers": [{"value": "1", "type": "fax"}, {"value": "2"}]},
    {"userName": "there"},
    {"userName": "\0"},
    {"userName": "{}" + "x" * 2000},
]
UNUSUAL = [
    {"userName": ""},
    {},
    {"userName": "{}", "emails": "a@b.example"},
    {"userName": "{}", "nothing": 1},
    {"userName": "{}", "password": "correct horse battery staple"},
    {"userName": "{}", "roles": [{"value": "press"}]},
]


def created(scim, account, name, body):
    """What a POST comes to, without what differs from one to the next."""
    schemas = [USER, ENTERPRISE] if ENTERPRISE in body else [USER]
    sent = {"schemas": schemas} | body
    if "userName" in sent:
        sent["userName"] = sent["userName"].replace("{}", name)
    events, posted, epoch = len(audit(account)), len(outgoing(account)), epoch_of(account)
    answer = scim.call("POST", "/Users", sent)
    own = ("id", "userName")
    text = answer.get_data(as_text=True).replace(name, "…")
    logged = rows(ProvisioningEntry, account_id=account)[-1]
    told = json.loads(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z", "…", text))
    return {
        "answer": (answer.status_code, answer.headers.get("ETag"), told),
        "events": [
            (e.action, {k: v for k, v in (e.after or {}).items() if k not in own})
            for e in audit(account)[events:]
        ],
        "outgoing": outgoing(account)[posted:],
        "epoch": epoch_of(account) - epoch,
        "log": (logged.status, logged.scim_type, logged.notes, logged.resource_type),
        "named": (bool(logged.resource_id), bool(logged.resource_name)),
    }


@pytest.mark.parametrize("body", BODIES + UNUSUAL, ids=str)
def test_a_plain_user_is_added_as_any_other(scim, account, monkeypatch, body):
    scim.create("/Users", userName="There")
    taken = []
    monkeypatch.setattr(UserKind, "plain", lambda _, payload: taken.append(user(payload)))
    usual = created(scim, account, "usual", body)
    monkeypatch.undo()
    assert created(scim, account, "short", body) == usual
    assert (taken[0] is not None) == (body in BODIES)


def test_a_plain_group_is_added_as_any_other(scim, account, monkeypatch):
    short = scim.create("/Groups", displayName="Team", externalId="1")
    monkeypatch.setattr(GroupKind, "plain", lambda *_: None)
    usual = scim.create("/Groups", displayName="Team", externalId="1")
    own = {"id", "meta"}
    assert {k: v for k, v in short.items() if k not in own} == {
        k: v for k, v in usual.items() if k not in own
    }
    first, second = audit(account, "group.created")
    assert first.after == second.after
