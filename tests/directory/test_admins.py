"""The last active master admin stays one, whoever asks otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.access.decisions import check
from app.directory import grants, groups, mappings, memberships, users
from app.directory.admins import master_admin
from app.directory.errors import LastMasterAdmin
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.models import Grant
from app.store.types import now
from benchmarks.world import Sizes, build
from tests.conftest import write
from tests.factories import (
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import audit, fingerprint, plans, row
from tests.threads import at_once


def refused(account_id: str, call: Callable, *args, **options) -> None:
    """Assert that a write is refused, changes nothing, and that the refusal is in the audit."""
    before = fingerprint()
    earlier = len(audit(account_id, "directory.refused"))
    with pytest.raises(LastMasterAdmin), write(account_id) as work:
        users.create(work, Profile("written in the same transaction"))
        call(work, *args, **options)
    after = fingerprint()
    events = before.pop("audit_events")[0], after.pop("audit_events")[0]
    assert events[1] == events[0] + 1
    assert after == before
    *_, event = audit(account_id, "directory.refused")
    assert len(audit(account_id, "directory.refused")) == earlier + 1
    assert (event.outcome, event.actor_name) == ("refused", "tests")
    assert "last active master admin" in event.reason


@pytest.fixture
def by_grant(account) -> str:
    """A master admin by a grant of their own. Others hold less, or are not active."""
    a_grant(account, a_user(account), "admin")
    a_grant(account, a_user(account, active=False), "master_admin")
    a_master_admin(an_account())
    return a_master_admin(account, "ada")


def test_may_not_be_deactivated(account, by_grant):
    refused(account, users.set_active, by_grant, False)
    refused(account, users.replace, by_grant, Profile("ada", active=False))


def test_may_not_be_deleted(account, by_grant):
    refused(account, users.delete, by_grant)


def test_may_not_lose_the_grant(account, by_grant):
    grant = row(Grant, account_id=account, user_id=by_grant)
    refused(account, grants.revoke, grant.id)


def test_may_not_have_the_grant_postponed(account, by_grant):
    tomorrow = now() + timedelta(days=1)
    ada = a_principal(account, by_grant)
    refused(account, grants.give, ada, "master_admin", not_before=tomorrow)


def test_may_not_have_the_grant_end_some_day(account, by_grant):
    """Nobody could refuse what happens on that day."""
    next_year = now() + timedelta(days=365)
    ada = a_principal(account, by_grant)
    refused(account, grants.give, ada, "master_admin", expires_at=next_year)
    a_grant(account, a_user(account), "master_admin", expires_at=next_year)
    refused(account, users.set_active, by_grant, False)


def test_where_all_are_for_a_time_one_of_them_stays(account):
    next_year = now() + timedelta(days=365)
    ada, bob = a_user(account), a_user(account)
    for each in (ada, bob):
        a_grant(account, each, "master_admin", expires_at=next_year)
    with write(account) as work:
        users.set_active(work, ada, False)
    refused(account, users.set_active, bob, False)


def test_may_lose_anything_else(account, by_grant):
    group = a_group(account, members=[by_grant])
    a_grant(account, group, "admin")
    with write(account) as work:
        groups.delete(work, group)
    assert check(account, by_grant, "billing.manage", None).allowed


def test_may_not_lose_the_membership(account):
    ada, eve = a_user(account), a_user(account)
    group = a_group(account, members=[ada])
    a_grant(account, group, "master_admin")
    refused(account, memberships.remove, group, [ada])
    refused(account, memberships.clear, group)
    refused(account, groups.delete, group)
    refused(account, users.set_active, ada, False)
    with write(account) as work:
        memberships.set_members(work, group, [eve])
    assert check(account, eve, "billing.manage", None).allowed


def test_may_not_lose_a_nested_membership(account):
    ada = a_user(account)
    inner = a_group(account, members=[ada])
    middle = a_group(account, members=[inner])
    outer = a_group(account, members=[middle])
    a_grant(account, outer, "master_admin")
    refused(account, memberships.remove, inner, [ada])
    refused(account, memberships.remove, middle, [inner])
    refused(account, memberships.set_members, outer, [])
    for group in (inner, middle, outer):
        refused(account, groups.delete, group)
    with write(account) as work:
        memberships.add(work, outer, [ada])
        memberships.remove(work, outer, [middle])
    assert check(account, ada, "billing.manage", None).allowed


def test_may_not_lose_the_mapping(account):
    group = a_group(account, "Owners", members=[a_user(account)])
    mapping = a_mapping(account, "owners", "master_admin")
    refused(account, mappings.delete, mapping)
    refused(account, groups.replace, group, GroupProfile("Former owners"))
    a_master_admin(account)
    with write(account) as work:
        mappings.delete(work, mapping)


def test_an_account_without_one_is_not_stuck(account):
    ada = a_user(account)
    with write(account) as work:
        assert users.set_active(work, ada, False)


def test_a_grant_that_has_ended_keeps_nobody(account):
    a_grant(account, a_user(account), "master_admin", expires_at=now() - timedelta(seconds=1))
    last = a_master_admin(account)
    refused(account, users.set_active, last, False)


def test_within_one_transaction_the_order_does_not_matter(account, by_grant):
    eve = a_user(account, "eve")
    with write(account) as work:
        users.set_active(work, by_grant, False)
        grants.give(work, a_principal(account, eve), "master_admin")
    assert check(account, eve, "billing.manage", None).allowed


def test_two_at_once_leave_one(app, account):
    admins = [a_master_admin(account) for _ in range(4)]

    def deactivate(user_id: str) -> None:
        with write(account) as work:
            users.set_active(work, user_id, False)

    outcomes = at_once(app, [(deactivate, admin) for admin in admins])
    assert [type(each) for each in outcomes if each] == [LastMasterAdmin]
    assert sum(check(account, admin, "billing.manage", None).allowed for admin in admins) == 1


def test_whether_one_is_kept_is_asked_without_going_through_all_users(app):
    world = build(Sizes(users=2_000, groups=200, folders=100, grants=1_000, events=100))
    account = world.account_id
    for groups_with_it in ([], [a_group(account, members=[world.users[0]])]):
        for each in groups_with_it:
            a_grant(account, each, "master_admin")
        with plans() as steps:
            assert bool(master_admin(account)) == bool(groups_with_it)
        assert steps
        assert [step for step in steps if "Seq Scan on users" in step] == []
        assert [step for step in steps if step.startswith("SCAN users")] == []
