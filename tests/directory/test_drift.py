"""Drift: what a provider exports against what came through its connection, and mending it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import memberships, operations, users
from app.directory.drift import run as running
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.users import Profile
from app.directory.work import Actor, LastMasterAdmin
from app.operations import carry_on
from app.store.database import db
from app.store.models import DriftRow, Group, Operation, OperationPiece, User
from app.store.types import now
from tests.conftest import write
from tests.drift import begin, fixed, found, report, run
from tests.factories import (
    a_connection,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_user,
    an_account,
)
from tests.imports import counts, problems
from tests.inspection import audit, row, rows

HEAD = "userName,displayName,email,externalId,active,groups\n"


def provisioned(account: str, connection: str, name: str, *, groups: tuple[str, ...] = (), **more):
    """Somebody whom a provider has pushed through a connection."""
    provider = Actor(
        type="connection", name="okta", surface="scim", id=connection, connection_id=connection
    )
    emails = [{"value": f"{name}@example.com", "type": "work", "primary": True}]
    with write(account, provider) as work:
        user_id = users.create(work, Profile(name, values={"emails": emails}, **more))
        for group_id in groups:
            memberships.add(work, group_id, [user_id])
    return user_id


@pytest.fixture
def okta(account) -> str:
    return a_connection(account, name="Okta")


def test_it_finds_who_is_missing_different_extra(account, okta):
    provisioned(account, okta, "ada", external_id="E1", display_name="Ada")
    provisioned(account, okta, "bob", display_name="Bob")
    provisioned(account, okta, "eve")
    a_user(account, "by-hand")
    text = (
        f"{HEAD}ada@new.com,Ada,ada@new.com,E1,,\nBOB,Bob,bob@example.com,,yes,\ncarl,,,,,\n"
        "gone,,,,no,\n"
    )
    done = report(account, okta, text)
    assert counts(done) == {"missing": 1, "different": 1, "extra": 1, "same": 2}
    assert found(done) == {
        "different": {
            "ada@new.com": {
                "userName": ["ada", "ada@new.com"],
                "emails": [["ada@example.com"], ["ada@new.com"]],
            }
        },
        "missing": {"carl": {}},
        "extra": {"eve": {}},
    }
    assert rows(DriftRow, kind="same") == [] and rows(OperationPiece) == []
    assert [each.action for each in audit(account, "drift.requested", "drift.done")] == [
        "drift.requested",
        "drift.done",
    ]


def test_mending_adds_changes_and_deactivates_and_never_deletes(account, okta):
    provisioned(account, okta, "ada", display_name="Ada")
    eve = provisioned(account, okta, "eve")
    by_hand = a_user(account, "by-hand")
    text = f"{HEAD}ada,Ada L.,,,no,\ncarl,Carl,carl@example.com,E3,,\n"
    done = fixed(account, report(account, okta, text).id)
    assert counts(done) == {"created": 1, "updated": 1, "deactivated": 1}
    carl = row(User, user_name="carl")
    assert (carl.external_id, carl.origin, carl.connection_id) == ("E3", "scim", okta)
    ada = row(User, user_name="ada")
    assert (ada.display_name, ada.active) == ("Ada L.", False)
    assert row(User, id=eve).active is False and row(User, id=by_hand).active is True
    (event,) = [each for each in audit(account, "user.deactivated") if each.target_id == eve]
    assert (event.before, event.after) == ({"active": True}, {"active": False})
    assert event.request_id == done.id
    assert found(report(account, okta, text)) == {}


def test_groups_are_those_named_and_those_of_the_connection(account, okta):
    designers, local = a_group(account, "Designers"), a_group(account, "Local")
    old = a_group(account, "Old")
    with write(account):
        db.session.execute(update(Group).where(Group.id == old).values(connection_id=okta))
    ada = provisioned(account, okta, "ada", groups=(local, old))
    provisioned(account, okta, "bob", groups=(designers,))
    text = f"{HEAD}ada,,,,,designers;Press\nbob,,,,,\n"
    done = report(account, okta, text)
    assert found(done)["different"] == {
        "ada": {"groups": [["Old"], ["designers", "Press"]]},
        "bob": {"groups": [["Designers"], []]},
    }
    mended = fixed(account, done.id)
    assert counts(mended) == {"updated": 2, "groups": 1, "joined": 2, "left": 2}
    assert row(Group, display_name="Press").connection_id == okta
    assert {each.target_name for each in audit(account, "group.members_removed")} == {
        "Old",
        "Designers",
    }
    assert ada in audit(account, "group.members_added")[-1].after["members"]
    assert found(report(account, okta, text)) == {}


def test_a_scim_export_in_pages_with_groups_before_people(account, okta):
    provisioned(account, okta, "ada")
    groups = {
        "totalResults": 1,
        "Resources": [
            {
                "displayName": "Designers; Berlin",
                "members": [{"value": "1"}, {"value": "2"}, {"value": "another group"}],
            }
        ],
    }
    ada = {
        "id": "1",
        "userName": "ada",
        "name": {"givenName": "Ada"},
        "emails": [{"value": "b@example.com"}, {"value": "ada@example.com", "primary": True}],
    }
    bob = {"id": "2", "userName": "bob", "active": True}
    pages = [groups] + [{"totalResults": 2, "Resources": [each]} for each in (ada, bob)]
    text = "\n".join(map(json.dumps, pages))
    done = report(account, okta, text)
    assert found(done) == {
        "missing": {"bob": {}},
        "different": {
            "ada": {
                "givenName": [None, "Ada"],
                "emails": [[], ["b@example.com"]],
                "groups": [[], ["Designers; Berlin"]],
            }
        },
    }
    fixed(account, done.id)
    for whole in (text, json.dumps([groups["Resources"][0], ada, bob], indent=1)):
        assert found(report(account, okta, whole)) == {}
    with pytest.raises(Invalid, match="1 of 2 resources"):
        begin(account, okta, json.dumps(pages[1]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"userName": "ada"', "not JSON"),
        ('[{"userName": "ada"} {"userName": "bob"}]', "not JSON"),
        ('{"a": 1}', "Resource 1 is neither a user nor a group"),
        ("[1]", "Resource 1 is no object"),
        ("[]", "names nobody"),
        ('[{"displayName": "A group"}]', "names nobody"),
        ("[" * 100_000, "not JSON"),
        ('{"userName": "\ud800"}'.encode("utf-8", "surrogatepass").decode("latin-1"), ""),
        ("name\nada\n", "names no column"),
    ],
)
def test_what_is_no_export_is_refused(account, okta, text, said):
    if not said:
        begin(account, okta, text)
        return
    with pytest.raises(Invalid, match=said):
        begin(account, okta, text)


def test_odd_texts_are_refused_row_by_row(account, okta):
    text = (
        r'[{"userName": "\ud800", "id": "\ud800"},'
        r' {"userName": "a", "emails": [{"value": "\u0000"}]}, {}]'
    )
    with pytest.raises(Invalid, match="Resource 3"):
        begin(account, okta, text)
    done = report(account, okta, text.replace(", {}]", "]"))
    assert [line for line, _, _ in problems(done)] == [1, 2]


def test_while_rows_are_refused_nobody_is_deactivated(account, okta):
    provisioned(account, okta, "ada")
    provisioned(account, okta, "eve")
    text = f"{HEAD}ada,,,,,\nADA,,,,,\nnew,,,,,\nbad,,,,perhaps,\n"
    done = report(account, okta, text)
    assert problems(done) == [
        (3, None, "The file names this person twice."),
        (5, "active", "It must be true or false."),
    ]
    assert found(done) == {"extra": {"eve": {}}, "missing": {"new": {}}}
    assert counts(fixed(account, done.id)) == {"created": 1}
    assert row(User, user_name="eve").active is True


def test_somebody_named_twice_far_apart_is_told(account, okta, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 2)
    provisioned(account, okta, "ada", external_id="E1")
    text = f"{HEAD}ada,,,,,\nb,,,,,\nc,,,,,\nnew,,,E1,,\nB,,,,,\n"
    assert [line for line, _, _ in problems(report(account, okta, text))] == [5, 6]


def test_the_last_master_admin_stays(account, okta):
    boss = provisioned(account, okta, "boss")
    a_grant(account, boss, "master_admin")
    provisioned(account, okta, "eve")
    done = fixed(account, report(account, okta, f"{HEAD}new,,,,,\n").id)
    assert counts(done) == {"created": 1, "deactivated": 1, "refused": 1}
    assert problems(done)[0][2] == str(LastMasterAdmin().sentence)
    assert row(User, id=boss).active is True
    assert [each.target_id for each in audit(account, "directory.refused")] == [boss]


def test_deactivating_more_than_half_must_be_confirmed(account, okta):
    for number in range(12):
        provisioned(account, okta, f"person{number}")
    done = report(account, okta, f"{HEAD}person0,,,,,\n")
    with pytest.raises(Invalid, match="11 people, more than half"):
        fixed(account, done.id)
    assert counts(fixed(account, done.id, many=True)) == {"deactivated": 11}


def test_only_a_young_report_of_this_account_is_mended(account, okta):
    provisioned(account, okta, "eve")
    done = report(account, okta, f"{HEAD}new,,,,,\n")
    with pytest.raises(NotFound):
        fixed(an_account(), done.id)
    with write(account):
        old = update(Operation).where(Operation.id == done.id)
        db.session.execute(old.values(finished_at=now() - timedelta(days=2)))
    with pytest.raises(Invalid, match="older than a day"):
        fixed(account, done.id)
    other = an_account()
    with pytest.raises(NotFound):
        begin(other, okta, f"{HEAD}new,,,,,\n")


def test_who_may_not_manage_people_may_not_compare_or_mend(account, okta):
    nobody = Actor(type="user", id=a_user(account, "n"), name="n", surface="console")
    with pytest.raises(Forbidden):
        begin(account, okta, f"{HEAD}new,,,,,\n", nobody)


def test_nobody_mends_beyond_their_own_rights(account, okta):
    """Not those who may do more, and not by a group that a mapping of the connection makes more."""
    a_master_admin(account)
    admin = a_user(account, "admin")
    a_grant(account, admin, "admin")
    actor = Actor(type="user", id=admin, name="admin", surface="console")
    boss = provisioned(account, okta, "boss")
    a_grant(account, boss, "master_admin")
    a_mapping(account, "Bosses", "master_admin", connection_id=okta)
    done = report(account, okta, f"{HEAD}new,,,,,Bosses\n", actor)
    mended = fixed(account, done.id, actor)
    assert counts(mended) == {"refused": 2}
    assert row(User, id=boss).active is True and rows(User, user_name="new") == []


def test_it_goes_on_where_it_was_stopped(account, okta, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 2)
    for name in ("ada", "bob", "eve", "eva", "evi"):
        provisioned(account, okta, name)
    text = HEAD + "".join(f"{name},,,,,\n" for name in ("ada", "bob", "c", "d", "e"))
    operation_id = begin(account, okta, text)
    note, left = running.Report._note, [0]

    def stopping(*args, **kwargs):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        note(*args, **kwargs)

    monkeypatch.setattr(running.Report, "_note", stopping)
    for left[0] in (3, 3):  # among those in the file, and among those who are not
        operation = operations.claim(account, operation_id)
        with pytest.raises(KeyboardInterrupt):
            carry_on(operation)
        operations.release(operation)
    done = run(account, operation_id)
    assert counts(done) == {"same": 2, "missing": 3, "extra": 3}
    assert sorted(found(done)["extra"]) == ["eva", "eve", "evi"]
