"""A preview tells what a write does, and writes nothing at all."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access import difference
from app.access.difference import Difference, access_of
from app.directory import folders, grants, groups, mappings, memberships, users
from app.directory.errors import DirectoryError
from app.directory.groups import GroupProfile
from app.directory.preview import preview
from app.directory.users import Profile
from app.directory.work import Actor, Work
from app.store.models import Account, Group, User
from tests.access.oracle import World, build, worlds
from tests.conftest import CLI_ACTOR, write
from tests.differences import change_folder, told
from tests.directory.previewing import everything, seen
from tests.factories import a_folder, a_grant, a_large_group, a_master_admin, a_principal
from tests.inspection import audit, epoch, outgoing, row, rows

# -- Nothing is written -----------------------------------------------------------


def a_bit_of_everything(work: Work, house: dict[str, str]) -> str:
    new = users.create(work, Profile("new", values={"roles": [{"value": "press"}]}))
    users.set_active(work, house["ada"], False)
    users.delete(work, house["eve"])
    group = groups.create(work, GroupProfile("Press"))
    memberships.add(work, group, [new, house["Inner"]])
    groups.delete(work, house["Designers"])
    folder = folders.create(work, house["2026"], "Deep")
    change_folder(work, house["2026"], parent_id=folders.root_of(work.account_id), restricted=True)
    grants.give(work, a_principal(work.account_id, new), "manager", folder)
    mappings.create(work, "Press", "viewer", folder)
    return new


def test_nothing_at_all_is_written(account, house):
    found = seen(account, a_bit_of_everything, house)
    assert rows(User, id=found.result) == []
    assert row(Account, id=account).access_epoch == epoch(account)
    actions = [event["action"] for event in found.events]
    assert actions[:2] == ["user.created", "grant.given"]
    assert {"session.revoked", "group.deleted", "folder.updated", "mapping.created"} <= {*actions}


def test_the_tables_are_all_looked_at(account, house):
    """That nothing was written would prove little of tables no write reaches."""
    before = everything()
    with write(account) as work:
        a_bit_of_everything(work, house)
    changed = {name for name, stored in everything().items() if stored != before[name]}
    assert {
        *("users", "user_values", "groups", "memberships", "nested_groups"),
        *("folders", "folder_closure", "grants", "mappings"),
        *("sessions", "audit_events", "outgoing_events", "accounts"),
    } <= changed


def test_the_write_is_done_afterwards_as_it_was_told(account, house):
    found = seen(account, a_bit_of_everything, house)
    audited, before = len(audit(account)), epoch(account)
    with write(account) as work:
        a_bit_of_everything(work, house)
    assert [each["action"] for each in found.events] == [
        each.action for each in audit(account)[audited:]
    ]
    assert outgoing(account)[-1] == found.events[-1]["action"]
    assert epoch(account) == before + 1


def test_its_events_name_the_actor(account, house):
    actor = Actor(type="token", name="okta", surface="scim", request_id="r1")
    found = seen(account, users.delete, house["eve"], actor=actor)
    assert {(each["actor_name"], each["request_id"]) for each in found.events} == {("okta", "r1")}
    assert found.events[-1]["before"]["userName"] == "eve"


# -- Who gains and loses ------------------------------------------------------------


def test_a_user_who_would_be_deleted_loses_folders_and_roles(account, house):
    found = seen(account, users.delete, house["ada"])
    lost = ["reports", "/Brand: editor", "/Brand/2026: editor"]
    assert told(found.access) == {"ada": ([], lost)}
    assert not found.access.truncated


def test_a_user_who_would_be_deactivated_loses_the_same(account, house):
    found = seen(account, users.set_active, house["ada"], False)
    lost = ["reports", "/Brand: editor", "/Brand/2026: editor"]
    assert told(found.access) == {"ada": ([], lost)}


@pytest.mark.parametrize("group", ["Designers", "Inner"])
def test_members_of_a_group_that_would_be_deleted_lose_what_it_gave(account, house, group):
    found = seen(account, groups.delete, house[group])
    assert told(found.access) == {"ada": ([], ["/Brand: editor", "/Brand/2026: editor"])}


def test_who_would_be_made_gains_what_mappings_give(account, house):
    profile = Profile("new", values={"roles": [{"value": "PRESS"}]})
    found = seen(account, users.create, profile)
    assert told(found.access) == {"new": (["/Brand: viewer", "/Brand/2026: viewer"], [])}
    assert rows(User, id=found.result) == []


def test_a_folder_that_would_move(account, house):
    press = a_folder(account, "Press")
    a_grant(account, house["eve"], "manager", press)
    found = seen(account, change_folder, house["2026"], parent_id=press)
    assert told(found.access) == {
        "ada": ([], ["/Brand/2026: editor"]),
        "eve": (["/Press/2026: manager"], []),
    }


def test_a_folder_that_would_come_and_one_that_would_go(account, house):
    found = seen(account, folders.create, house["Brand"], "New")
    assert told(found.access) == {
        "root": (["/Brand/New: master_admin"], []),
        "ada": (["/Brand/New: editor"], []),
    }
    found = seen(account, folders.delete, house["2026"])
    assert told(found.access) == {
        "root": ([], ["/Brand/2026: master_admin"]),
        "ada": ([], ["/Brand/2026: editor"]),
        "eve": ([], ["/Brand/2026: viewer"]),
    }


def test_what_changes_nothing(account, house):
    found = seen(account, users.set_active, house["ada"], True)
    assert (found.result, found.events, found.access) == (False, [], Difference([], False))


def test_of_many_some_are_compared_and_it_says_so(account):
    a_master_admin(account)
    group = a_large_group(account, 200)
    folder = a_folder(account)
    a_grant(account, group, "viewer", folder)
    found = seen(account, groups.delete, group)
    assert len(found.access.changes) == difference.USERS_LIMIT
    assert found.access.truncated


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, list[int]]:
    kinds = ["create", "move", "restrict", "delete", "group", "members", "user", "off", "grant"]
    return draw(st.sampled_from(kinds)), draw(st.lists(st.integers(0, 20), min_size=2, max_size=2))


def apply(work: Work, ids: dict[str, list[str]], kind: str, places: list[int]) -> None:
    def one_of(name: str, place: int = 0) -> str:
        return ids[name][places[place] % len(ids[name])]

    if kind == "create":
        folders.create(work, one_of("folders"), "new", restricted=places[1] % 2 == 1)
    elif kind == "move":
        change_folder(work, one_of("folders"), parent_id=one_of("folders", 1))
    elif kind == "restrict":
        change_folder(work, one_of("folders"), restricted=places[1] % 2 == 1)
    elif kind == "delete":
        folders.delete(work, one_of("folders"))
    elif kind == "group":
        groups.delete(work, one_of("groups"))
    elif kind == "members":
        memberships.set_members(work, one_of("groups"), [one_of("users", 1)])
    elif kind == "user":
        users.delete(work, one_of("users"))
    elif kind == "off":
        users.set_active(work, one_of("users"), places[1] % 2 == 1)
    else:
        to = a_principal(work.account_id, one_of("users"))
        grants.give(work, to, "viewer", one_of("folders", 1))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds(), asked=writes())
def test_what_a_preview_tells_is_what_then_happens_to_all(app, world: World, asked):
    """All users are compared here, not only those that the changes are known to touch."""
    account_id = build(world)
    ids = world.ids | {"groups": [each.id for each in rows(Group, account_id=account_id)]}
    try:
        found = preview(account_id, CLI_ACTOR, lambda work: apply(work, ids, *asked))
    except DirectoryError as error:
        with pytest.raises(type(error)), write(account_id) as work:
            apply(work, ids, *asked)
        return
    before = access_of(account_id, ids["users"])
    with write(account_id) as work:
        apply(work, ids, *asked)
    happened = difference.difference(before, access_of(account_id, ids["users"]))
    assert told(found.access) == told(happened)
