"""Explanations, one reason at a time. All of them together: test_state_machine."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import update

from app.access.decisions import UnknownAction
from app.access.explanation import explain
from app.directory import folders, grants
from app.store.database import db
from app.store.models import Grant
from tests.conftest import write
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import statements

GIVEN_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LATER = datetime(2200, 1, 1, tzinfo=UTC)
EARLIER = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def given_at_a_known_time(account_id: str) -> None:
    with write(account_id):
        db.session.execute(update(Grant).values(created_at=GIVEN_AT))


def why(account_id: str, *asked) -> list[str]:
    given_at_a_known_time(account_id)
    return explain(account_id, *asked).sentences()


def test_every_way_is_told_the_nearest_first(account, ada, brand):
    below = a_folder(account, "2026", parent=brand)
    designers = a_group(account, "Designers", members=[ada])
    a_grant(account, a_group(account, "Creative", members=[designers]), "editor", brand)
    with write(account) as work:
        grants.give(
            work, a_principal(account, ada), "manager", below, reason="campaign", expires_at=LATER
        )
    a_grant(account, ada, "media_library_admin", not_before=EARLIER)
    assert why(account, ada, "asset.edit", below) == [
        "manager on /Brand/2026, given to ada directly, by tests at "
        '2026-03-01T09:30:00Z, until 2200-01-01T00:00:00Z, for the reason "campaign".',
        "editor on /Brand, because ada is in Designers in Creative, by tests at "
        "2026-03-01T09:30:00Z.",
        "media_library_admin on the account, given to ada directly, by tests at "
        "2026-03-01T09:30:00Z, from 2026-03-02T00:00:00Z.",
    ]


def test_the_shortest_chain_of_groups_is_told(account, ada, brand):
    inner = a_group(account, "Inner", members=[ada])
    middle = a_group(account, "Middle", members=[inner])
    outer = a_group(account, "Outer", members=[middle, inner])
    a_grant(account, outer, "viewer", brand)
    (found,) = explain(account, ada, "folder.view", brand).because
    assert found.chain == ("Inner", "Outer")


def test_as_data_it_is_json(account, ada, brand):
    group = a_group(account, "Designers", members=[ada])
    a_grant(account, group, "viewer", brand)
    given_at_a_known_time(account)
    yes = orjson.loads(orjson.dumps(explain(account, ada, "folder.view", brand).as_data()))
    (grant,) = yes["because"]
    assert grant.pop("grant_id")
    assert grant == {
        "role": {"id": "viewer", "name": "viewer"},
        "folder": {"id": brand, "path": "/Brand"},
        "group": {"id": group, "name": "Designers"},
        "through": ["Designers"],
        "origin": "manual",
        "granted_by": "tests",
        "granted_at": "2026-03-01T09:30:00Z",
        "reason": "",
        "not_before": None,
        "expires_at": None,
    }
    no = explain(account, ada, "asset.edit", brand).as_data()
    assert no["user"] == {"id": ada, "user_name": "ada"}
    assert no["folder"] == {"id": brand, "path": "/Brand"}
    assert (no["allowed"], no["because"], no["action"]) == (False, [], "asset.edit")
    assert [each["kind"] for each in no["missing"]] == ["lacks_action"]
    assert no["missing"][0]["grant"]["group"]["name"] == "Designers"


def test_what_keeps_anything_from_counting(account, ada, brand):
    gone = a_user(account, "gone", active=False)
    a_grant(account, gone, "viewer", brand)
    stranger, their_folder = a_user(an_account()), a_folder(an_account())
    assert why(account, gone, "folder.view", brand) == [
        "gone is not active, so nothing given to them counts."
    ]
    for unknown in ("no such id", stranger, "\0"):
        assert why(account, unknown, "folder.view", brand) == ["There is no such user."]
    for unknown in ("no such id", their_folder, "\ud800"):
        assert why(account, ada, "folder.view", unknown) == ["There is no such folder."]
    assert why(account, ada, "folder.view", None) == [
        "folder.view is done on a folder, and none is named."
    ]
    with pytest.raises(UnknownAction):
        explain(account, ada, "folder.destroy", brand)


def test_grants_out_of_force(account, ada, brand):
    a_grant(account, ada, "viewer", brand, not_before=LATER)
    a_grant(account, a_group(account, members=[ada]), "editor", brand, expires_at=EARLIER)
    assert sorted(why(account, ada, "folder.view", brand)) == [
        "editor on /Brand ended at 2026-03-02T00:00:00Z.",
        "viewer on /Brand begins at 2200-01-01T00:00:00Z.",
    ]


def test_the_restricted_folder_in_the_way_is_named(account, ada, brand):
    secret = a_folder(account, "Secret", parent=brand, restricted=True)
    inner = a_folder(account, "Inner", parent=secret)
    a_grant(account, ada, "manager", brand)
    assert why(account, ada, "asset.edit", inner) == [
        "manager on /Brand does not reach here: /Brand/Secret is restricted."
    ]
    a_grant(account, ada, "viewer", secret)
    assert why(account, ada, "asset.edit", inner) == [
        "viewer on /Brand/Secret does not permit asset.edit.",
        "manager on /Brand does not reach here: /Brand/Secret is restricted.",
    ]


def test_a_role_that_does_not_permit_it(account, ada, brand):
    a_grant(account, ada, "reports")
    a_grant(account, ada, "viewer", brand)
    assert why(account, ada, "user.manage", None) == [
        "reports on the account does not permit user.manage."
    ]
    assert why(account, ada, "asset.edit", brand) == [
        "viewer on /Brand does not permit asset.edit.",
        "reports on the account does not permit asset.edit.",
    ]


def test_nothing_given(account, ada, brand):
    a_grant(account, a_user(account), "viewer", brand)
    a_grant(account, ada, "viewer", a_folder(account, "Elsewhere"))
    a_grant(account, ada, a_custom_role(account, "folder", ["asset.view"]), brand, expires_at=LATER)
    assert why(account, ada, "user.manage", None) == [
        "Neither ada nor a group of theirs has a role on the account that permits it."
    ]
    assert why(account, ada, "user.manage", brand) == [
        "Neither ada nor a group of theirs has a role on the account that permits it."
    ]
    assert why(account, ada, "asset.edit", folders.root_of(account)) == [
        "Neither ada nor a group of theirs has a role on /, on a folder above it or on the "
        "account that permits it."
    ]


def test_it_takes_few_statements_however_much_was_given(account, ada, brand):
    group = a_group(account, members=[ada])
    counts = []
    for size in (1, 20):
        for _ in range(size):
            a_grant(account, a_group(account, members=[group]), "viewer", brand)
        for action in ("folder.view", "asset.edit"):
            with statements() as seen:
                explain(account, ada, action, brand)
            counts.append(len(seen))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 7
