"""Whoever replays the audit log has the account as it is: who is in what and holds which grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as replaced
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.directory import (
    account_role,
    folders,
    grants,
    groups,
    mappings,
    memberships,
    restoring,
    users,
)
from app.directory.errors import DirectoryError
from app.directory.groups import GroupProfile
from app.directory.members import NAMED_IN_EVENT
from app.directory.users import Profile
from app.directory.work import Actor, Work
from app.store.database import db
from app.store.models import Folder, Grant, Group, Mapping, Membership, NestedGroup, User
from app.store.types import now
from tests.conftest import CLI_ACTOR, write
from tests.factories import (
    HOUR,
    a_connection,
    a_folder,
    a_grant,
    a_group,
    a_large_group,
    a_mapping,
    a_user,
    an_account,
)
from tests.inspection import audit, row, rows

TERMS = ("role_id", "folder_id", "origin", "mapping_id", "not_before", "expires_at")


@dataclass
class State:
    """Who could do what, as far as the tables say so, or the events."""

    users: dict[str, bool] = field(default_factory=dict)
    """Whether each is active."""
    groups: set[str] = field(default_factory=set)
    members: set[tuple[str, str]] = field(default_factory=set)
    nested: set[tuple[str, str]] = field(default_factory=set)
    grants: dict[str, Any] = field(default_factory=dict)
    folders: dict[str, Any] = field(default_factory=dict)
    mappings: set[str] = field(default_factory=set)


def of_tables(account_id: str) -> State:
    def found(table: type) -> list[Any]:
        return rows(table, account_id=account_id)

    return State(
        users={each.id: bool(each.active) for each in found(User)},
        groups={each.id for each in found(Group)},
        members={(each.group_id, each.user_id) for each in found(Membership)},
        nested={(each.group_id, each.member_id) for each in found(NestedGroup)},
        grants={
            each.id: (
                each.user_id or each.group_id,
                *(_plain(getattr(each, name)) for name in TERMS),
            )
            for each in found(Grant)
        },
        folders={each.id: (each.name, each.parent_id, each.restricted) for each in found(Folder)},
        mappings={each.id for each in found(Mapping)},
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def of_events(account_id: str) -> State:
    """Replay the events. Nothing may go that is not there, nor come that is there."""
    state = State()
    for event in audit(account_id):
        if event.outcome == "success":
            _apply(state, event)
    return state


def _apply(state: State, event: Any) -> None:
    id_, before, after = event.target_id, event.before, event.after
    kind, _, what = event.action.partition(".")
    if event.action in ("group.members_added", "group.members_removed"):
        _move(state, what, id_, after)
    elif kind == "user":
        _apply_to_user(state, what, id_, before, after)
    elif event.action == "group.created":
        _new(state.groups, id_)
    elif event.action == "group.deleted":
        _leave(state, id_, before)
        state.groups.remove(id_)
    elif event.action in ("folder.created", "folder.updated"):
        assert (id_ in state.folders) == (what == "updated")
        state.folders[id_] = (after["name"], after["parent"], after["restricted"])
    elif event.action == "folder.deleted":
        gone = state.folders.pop(id_)
        assert gone == (before["name"], before["parent"], before["restricted"])
        assert not [each for each in state.grants.values() if each[2] == id_]
    elif kind == "grant":
        _apply_to_grant(state, what, id_, before, after)
    elif event.action == "mapping.created":
        _new(state.mappings, id_)
    elif event.action == "mapping.deleted":
        state.mappings.remove(id_)


def _new(found: set[Any], one: Any) -> None:
    assert one not in found
    found.add(one)


def _move(state: State, what: str, group: str, after: dict[str, Any]) -> None:
    inner = set(after.get("member_groups", ()))
    assert after["count"] == len(after["members"]) <= NAMED_IN_EVENT
    for member in after["members"]:
        edges = state.nested if member in inner else state.members
        if what == "members_added":
            _new(edges, (group, member))
        else:
            edges.remove((group, member))


def _apply_to_user(state: State, what: str, id_: str, before: Any, after: Any) -> None:
    if what == "created":
        assert id_ not in state.users
        state.users[id_] = bool(after["active"])
    elif what == "deleted":
        assert state.users.pop(id_) == bool(before["active"])
        for group in before["groups"]:
            state.members.remove((group, id_))
        assert not [each for each in state.grants.values() if each[0] == id_]
    elif "active" in (after or {}):
        assert state.users[id_] == bool(before["active"])
        state.users[id_] = bool(after["active"])


def _leave(state: State, group: str, before: dict[str, Any]) -> None:
    inner = set(before.get("member_groups", ()))
    for member in before["members"]:
        (state.nested if member in inner else state.members).remove((group, member))
    for outer in before["groups"]:
        state.nested.remove((outer, group))
    assert not [each for each in state.grants.values() if each[0] == group]


def _apply_to_grant(state: State, what: str, holder: str, before: Any, after: Any) -> None:
    if before is not None:
        gone = state.grants.pop(before["id"])
        assert gone == (holder, *(before.get(name) for name in TERMS))
    if what != "revoked":
        assert after["id"] not in state.grants
        state.grants[after["id"]] = (holder, *(after.get(name) for name in TERMS))


# -- Anything an administrator or a provider may do ---------------------------

ROLES = ("viewer", "editor", "manager")
ON_ACCOUNT = ("reports", "admin", "master_admin")
NAMES = ("a", "b", "c")


@dataclass
class World:
    """The ids there may be; a step picks by number, of what was deleted too."""

    account: str
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def pick(ids: list[str], number: int) -> str:
    return ids[number % len(ids)] if ids else "none"


def values_of(number: int) -> dict[str, Any]:
    return {"roles": [{"value": NAMES[number % 3]}]} if number % 2 else {}


def period(number: int) -> dict[str, Any]:
    return {"expires_at": now() + HOUR * number} if number % 2 else {}


def principal(world: World, number: int) -> Any:
    ids = world.users if number % 2 else world.groups
    return grants.principal_with_id(world.account, pick(ids, number // 2))


def make_user(work: Work, world: World, a: int, b: int, c: int) -> None:
    profile = Profile(f"{NAMES[a % 3]}{b}", active=(None, False, True)[c % 3], values=values_of(a))
    world.users.append(users.create(work, profile))


def change_user(work: Work, world: World, a: int, b: int, c: int) -> None:
    profile = users.profile_of(work, pick(world.users, a))
    active = (None, False, True)[c % 3]
    users.replace(work, pick(world.users, a), replaced(profile, active=active, values=values_of(b)))


def switch_user(work: Work, world: World, a: int, b: int, c: int) -> None:
    users.set_active(work, pick(world.users, a), b % 2 == 0)


def delete_user(work: Work, world: World, a: int, b: int, c: int) -> None:
    users.delete(work, pick(world.users, a))


def make_group(work: Work, world: World, a: int, b: int, c: int) -> None:
    world.groups.append(groups.create(work, GroupProfile(NAMES[a % 3])))


def rename_group(work: Work, world: World, a: int, b: int, c: int) -> None:
    groups.replace(work, pick(world.groups, a), GroupProfile(NAMES[b % 3]))


def delete_group(work: Work, world: World, a: int, b: int, c: int) -> None:
    groups.delete(work, pick(world.groups, a))


def change_members(work: Work, world: World, a: int, b: int, c: int) -> None:
    write = (memberships.add, memberships.set_members, memberships.remove)[c % 3]
    write(work, pick(world.groups, a), {pick(world.users, b), pick(world.groups, b + c)} - {"none"})


def make_folder(work: Work, world: World, a: int, b: int, c: int) -> None:
    parent = pick([folders.root_of(world.account), *world.folders], a)
    world.folders.append(folders.create(work, parent, NAMES[b % 3], restricted=c % 2 == 0))


def change_folder(work: Work, world: World, a: int, b: int, c: int) -> None:
    profile = folders.profile_of(world.account, pick(world.folders, a))
    changes = ({"parent_id": pick(world.folders, b)}, {"restricted": b % 2 == 0})[c % 2]
    folders.replace(work, pick(world.folders, a), replaced(profile, **changes))


def delete_folder(work: Work, world: World, a: int, b: int, c: int) -> None:
    folders.delete(work, pick(world.folders, a))


def give(work: Work, world: World, a: int, b: int, c: int) -> None:
    folder = pick(world.folders, b) if c % 2 else None
    role = (ROLES if folder else ON_ACCOUNT)[b % 3]
    grants.give(work, principal(world, a), role, folder, **period(c))


def revoke(work: Work, world: World, a: int, b: int, c: int) -> None:
    held = sorted(each.id for each in db.session.query(Grant).filter_by(account_id=world.account))
    grants.revoke(work, pick(held, a))


def assign(work: Work, world: World, a: int, b: int, c: int) -> None:
    account_role.assign(work, pick(world.users, a), (*ON_ACCOUNT, None)[b % 4])


def map_(work: Work, world: World, a: int, b: int, c: int) -> None:
    match_by = ("display_name", "role")[c % 2]
    mappings.create(work, NAMES[a % 3], ROLES[b % 3], pick(world.folders, b), match_by=match_by)


def unmap(work: Work, world: World, a: int, b: int, c: int) -> None:
    held = sorted(each.id for each in db.session.query(Mapping).filter_by(account_id=world.account))
    mappings.delete(work, pick(held, a))


def restore(work: Work, world: World, a: int, b: int, c: int) -> None:
    restoring.restore(work, pick(world.users + world.groups + world.folders, a + b))


STEPS = (
    *(make_user, change_user, switch_user, delete_user, make_group, rename_group, delete_group),
    *(change_members, change_members, make_folder, change_folder, delete_folder),
    *(give, give, revoke, assign, map_, unmap, restore, restore, restore),
)
NUMBERS = st.integers(0, 11)
BEGINNING = [
    *((make, 2 * number, number, 2) for number in range(3) for make in (make_user, make_group)),
    *((make_folder, 0, number, 1) for number in range(3)),
    *((change_members, number, number, 0) for number in range(3)),
    (map_, 0, 1, 0),
    (give, 1, 0, 1),
]


@pytest.mark.parametrize("surface", ["cli", "scim"])
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), NUMBERS, NUMBERS, NUMBERS), min_size=10, max_size=40
    )
)
def test_the_log_replayed_is_the_account(app, surface, steps):
    account_id = an_account()
    world = World(account_id)
    actor = CLI_ACTOR
    if surface == "scim":
        connection = a_connection(account_id)
        actor = Actor(type="token", name="okta", surface="scim", connection_id=connection)
    for step, *numbers in [*BEGINNING, *steps]:
        try:
            with write(account_id, actor) as work:
                step(work, world, *numbers)
        except DirectoryError:
            continue
    assert of_events(account_id) == of_tables(account_id)


# -- What goes by itself -------------------------------------------------------


def test_grants_go_with_their_holder_one_event_each(account):
    folder, ada = a_folder(account), a_user(account, "ada")
    a_grant(account, ada, "viewer", folder)
    a_grant(account, ada, "reports", expires_at=now() + HOUR)
    held = {each.id for each in rows(Grant)}
    with write(account) as work:
        users.delete(work, ada)
    revoked = audit(account, "grant.revoked")
    assert {each.before["id"] for each in revoked} == held
    assert {(each.target_type, each.target_id, each.target_name) for each in revoked} == {
        ("user", ada, "ada")
    }
    assert audit(account)[-1].action == "user.deleted", "its grants have gone before it"


def test_mappings_and_what_they_gave_go_with_their_folder(account):
    folder, group = a_folder(account), a_group(account, "Designers")
    mapping = a_mapping(account, "Designers", "editor", folder)
    a_grant(account, group, "viewer", folder)
    with write(account) as work:
        folders.delete(work, folder)
    assert [each.target_id for each in audit(account, "mapping.deleted")] == [mapping]
    revoked = audit(account, "grant.revoked")
    assert sorted(each.before["origin"] for each in revoked) == ["manual", "mapping"]
    assert of_events(account) == of_tables(account)


def test_a_group_is_told_out_of_those_it_was_in(account):
    inner, ada = a_group(account), a_user(account)
    outer = a_group(account, members=[inner])
    with write(account) as work:
        memberships.add(work, inner, [ada])
    version = row(Group, id=outer).version
    with write(account) as work:
        groups.delete(work, inner)
    (event,) = audit(account, "group.deleted")
    assert (event.before["groups"], event.before["members"]) == ([outer], [ada])
    assert row(Group, id=outer).version == version + 1, "it has lost a member"


def test_of_many_members_all_are_named(account):
    size = 2 * NAMED_IN_EVENT + 1
    large = a_large_group(account, size)
    ids = {each.user_id for each in rows(Membership)}
    group = a_group(account, members=ids)
    added = audit(account, "group.members_added")
    assert [each.after["count"] for each in added] == [NAMED_IN_EVENT, NAMED_IN_EVENT, 1]
    assert {member for each in added for member in each.after["members"]} == ids
    with write(account) as work:
        groups.delete(work, group)
    removed = audit(account, "group.members_removed")
    assert {member for each in removed for member in each.after["members"]} == ids
    assert audit(account, "group.deleted")[-1].before["members"] == []
    assert {each.group_id for each in rows(Membership)} == {large}


def test_the_root_folder_is_told_with_the_account(account):
    assert [each.action for each in audit(account)] == ["account.created", "folder.created"]
    assert of_events(account) == of_tables(account)
