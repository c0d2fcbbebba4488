"""Who is in a group: only the rows named are touched, and no group contains itself."""

from __future__ import annotations

import pytest

from app.directory import groups, memberships, users
from app.directory.errors import Invalid, NotFound
from app.store.models import Group, Membership, NestedGroup
from app.store.types import new_id
from tests.conftest import write
from tests.factories import a_group, a_large_group, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows, statements
from tests.threads import at_once


def add(account_id: str, group_id: str, *members: str) -> bool:
    with write(account_id) as work:
        return memberships.add(work, group_id, members)


def remove(account_id: str, group_id: str, *members: str) -> bool:
    with write(account_id) as work:
        return memberships.remove(work, group_id, members)


def set_members(account_id: str, group_id: str, *members: str) -> bool:
    with write(account_id) as work:
        return memberships.set_members(work, group_id, members)


def members_of(group_id: str) -> set[str]:
    people = {each.user_id for each in rows(Membership, group_id=group_id)}
    return people | {each.member_id for each in rows(NestedGroup, group_id=group_id)}


def test_users_and_groups_are_members(account):
    ada, inner, group = a_user(account), a_group(account), a_group(account)
    before = epoch(account)
    assert add(account, group, ada, inner)
    assert [each.user_id for each in rows(Membership)] == [ada]
    assert [each.member_id for each in rows(NestedGroup)] == [inner]
    assert row(Group, id=group).version == 2
    assert epoch(account) == before + 1


def test_changes_are_audited(account):
    ada, eve = sorted([a_user(account), a_user(account)])
    group = a_group(account, "Designers")
    add(account, group, ada, eve)
    remove(account, group, ada)
    added, removed = audit(account, "group.members_added", "group.members_removed")
    assert (added.target_id, added.target_name) == (group, "Designers")
    assert added.after == {"count": 2, "members": [ada, eve]}
    assert removed.after == {"count": 1, "members": [ada]}
    assert outgoing(account)[-2:] == ["group.members_added", "group.members_removed"]


def test_what_is_so_already_writes_nothing(account):
    ada, eve = a_user(account), a_user(account)
    group = a_group(account, members=[ada])
    before = fingerprint()
    assert not add(account, group, ada, ada)
    assert not add(account, group)
    assert not remove(account, group, eve, "no such id")
    assert not set_members(account, group, ada)
    assert fingerprint() == before


def test_adding_some_who_are_in_it_adds_the_others(account):
    ada, eve = a_user(account), a_user(account)
    group = a_group(account, members=[ada])
    assert add(account, group, ada, eve)
    assert members_of(group) == {ada, eve}
    assert audit(account, "group.members_added")[-1].after["members"] == [eve]


def test_set_members_writes_the_difference(account):
    ada, eve, grace = (a_user(account) for _ in range(3))
    inner = a_group(account)
    group = a_group(account, members=[ada, eve, inner])
    kept = row(Membership, group_id=group, user_id=eve)
    assert set_members(account, group, eve, grace)
    assert members_of(group) == {eve, grace}
    assert row(Membership, group_id=group, user_id=eve) == kept
    assert set(audit(account, "group.members_removed")[-1].after["members"]) == {ada, inner}
    assert audit(account, "group.members_added")[-1].after["members"] == [grace]


def test_clear_takes_everyone_out(account):
    group = a_group(account, members=[a_user(account), a_group(account)])
    with write(account) as work:
        assert memberships.clear(work, group)
        assert not memberships.clear(work, group)
    assert members_of(group) == set()


@pytest.mark.parametrize("call", [add, set_members])
def test_unknown_members_are_refused(account, call):
    ada, eve = a_user(account), a_user(account)
    stranger = a_user(an_account())
    group = a_group(account, members=[ada])
    before = fingerprint()
    for unknown in (new_id(), stranger, "", "\0", "\ud800", "x" * 2000):
        with pytest.raises(Invalid):
            call(account, group, eve, unknown)
    assert fingerprint() == before


def test_too_many_members_are_refused(account, monkeypatch):
    monkeypatch.setattr(memberships, "MEMBERS_LIMIT", 2)
    group = a_group(account)
    with pytest.raises(Invalid):
        add(account, group, "1", "2", "3")


def test_groups_of_another_account_are_not_found(account):
    ada, stranger = a_user(account), a_group(an_account())
    before = fingerprint()
    for call in (add, remove, set_members):
        with pytest.raises(NotFound):
            call(account, stranger, ada)
    with pytest.raises(Invalid):
        add(account, a_group(account), stranger)
    assert fingerprint()["nested_groups"] == before["nested_groups"]


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_a_cycle_is_refused(account, depth):
    chain = [a_group(account)]
    for _ in range(depth):
        chain.append(a_group(account, members=[chain[-1]]))
    innermost, outermost = chain[0], chain[-1]
    before = fingerprint()
    for call in (add, set_members):
        with pytest.raises(Invalid):
            call(account, innermost, outermost)
        with pytest.raises(Invalid):
            call(account, innermost, a_user(account), outermost)
    after = fingerprint()
    assert (after["nested_groups"], after["groups"]) == (before["nested_groups"], before["groups"])


def test_a_group_in_two_groups_is_no_cycle(account):
    shared = a_group(account)
    left, right = a_group(account, members=[shared]), a_group(account, members=[shared])
    top = a_group(account, members=[left, right])
    assert add(account, top, shared)


def test_a_member_may_change_sides_within_one_call(account):
    inner = a_group(account)
    outer = a_group(account, members=[inner])
    with write(account) as work:
        memberships.remove(work, outer, [inner])
        memberships.add(work, inner, [outer])
    assert members_of(inner) == {outer}


def test_cycles_made_at_the_same_time_are_refused(app, account):
    ring = [a_group(account) for _ in range(4)]
    pairs = [(ring[n], ring[(n + 1) % 4]) for n in range(4)]
    outcomes = at_once(app, [(lambda pair: add(account, *pair), pair) for pair in pairs])
    assert [type(each) for each in outcomes if each] == [Invalid]
    assert len(rows(NestedGroup)) == 3


def test_members_removed_while_they_are_added_are_refused_or_in(app, account):
    """Whichever comes first: never a member that is not there, never a failure of the database."""
    group = a_group(account)
    people = [a_user(account) for _ in range(4)]

    def delete(user_id: str) -> None:
        with write(account) as work:
            users.delete(work, user_id)

    calls = [(lambda each: add(account, group, each), each) for each in people]
    outcomes = at_once(app, calls + [(delete, each) for each in people])
    assert {type(each) for each in outcomes if each} <= {Invalid}
    assert members_of(group) == set()


def test_no_two_writes_wait_for_each_other(app, account):
    """Each takes several groups and users, in an order of its own."""
    everyone = [a_user(account) for _ in range(3)]
    some = [a_group(account, members=everyone) for _ in range(3)]

    def shuffle(start: int) -> None:
        for turn in range(start, start + 3):
            with write(account) as work:
                for step in range(3):
                    group = some[(turn + step) % 3]
                    memberships.set_members(work, group, [everyone[(turn * 2 + step) % 3]])
                    users.set_active(work, everyone[(turn + step) % 3], bool(turn % 2))

    outcomes = at_once(app, [(shuffle, start) for start in range(4)])
    assert outcomes == [None] * 4


def test_deleting_a_user_or_group_ends_its_memberships(account):
    ada, inner = a_user(account), a_group(account)
    group = a_group(account, members=[ada, inner])
    with write(account) as work:
        users.delete(work, ada)
        groups.delete(work, inner)
    assert members_of(group) == set()


@pytest.mark.parametrize("change", [add, remove])
def test_one_member_costs_the_same_in_a_group_of_any_size(account, change):
    counts = {}
    for size in (10, 5000):
        group = a_large_group(account, size)
        member = a_user(account)
        if change is remove:
            add(account, group, member)
        with statements() as seen:
            assert change(account, group, member)
        counts[size] = len(seen)
        assert len(rows(Membership, group_id=group)) == size + (change is add)
    assert counts[10] == counts[5000] <= 12


def test_setting_the_same_members_but_one_writes_one_row(account):
    group = a_large_group(account, 1200)
    everyone = [each.user_id for each in rows(Membership, group_id=group)]
    with statements() as seen:
        set_members(account, group, *everyone[1:], a_user(account))
    deletes = [each for each in seen if each.startswith("DELETE FROM memberships")]
    inserts = [each for each in seen if each.startswith("INSERT INTO memberships")]
    assert (len(deletes), len(inserts)) == (1, 1)
