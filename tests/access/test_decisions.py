"""Decisions, one rule at a time. All of them together: test_oracle."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.access.decisions import UnknownAction, check, may_administer, permissions_on
from app.access.folders import folders_visible_to
from app.access.permissions import (
    ACCOUNT_ACTIONS,
    ACCOUNT_ROLES,
    ACTIONS,
    FOLDER_ACTIONS,
    FOLDER_ROLES,
)
from app.directory import folders
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_master_admin,
    a_user,
    an_account,
)
from tests.inspection import plans, statements

NO_SUCH_ID = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def folder(account) -> str:
    return a_folder(account, "Brand")


@pytest.mark.parametrize("role", FOLDER_ROLES)
def test_a_folder_role_permits_what_it_says_there_and_below(account, ada, folder, role):
    below, beside = a_folder(account, parent=folder), a_folder(account)
    a_grant(account, ada, role, folder)
    for action in ACTIONS:
        expected = action in FOLDER_ROLES[role]
        assert check(account, ada, action, folder).allowed is expected
    assert permissions_on(account, ada, below) == FOLDER_ROLES[role]
    assert permissions_on(account, ada, beside) == frozenset()
    assert permissions_on(account, ada, folders.root_of(account)) == frozenset()


def test_folder_roles_hold_all_that_the_weaker_ones_do():
    strengths = list(FOLDER_ROLES.values())
    assert all(weaker < stronger for weaker, stronger in pairwise(strengths))
    assert strengths[-1] == FOLDER_ACTIONS


@pytest.mark.parametrize("role", ACCOUNT_ROLES)
def test_an_account_role_permits_what_it_says_everywhere(account, ada, role):
    secret = a_folder(account, restricted=True)
    a_grant(account, ada, role)
    permitted = ACCOUNT_ROLES[role]
    for action in ACCOUNT_ACTIONS:
        assert check(account, ada, action, None).allowed is (action in permitted)
    assert permissions_on(account, ada, secret) == permitted & FOLDER_ACTIONS
    assert may_administer(account, ada) is bool(permitted & ACCOUNT_ACTIONS)


def test_only_the_master_admin_may_do_everything():
    complete = [role for role, permitted in ACCOUNT_ROLES.items() if permitted == ACTIONS]
    assert complete == ["master_admin"]
    assert not ACCOUNT_ACTIONS & FOLDER_ACTIONS
    assert "billing.manage" not in ACCOUNT_ROLES["admin"] | ACCOUNT_ROLES["technical_admin"]
    assert "user.manage" not in ACCOUNT_ROLES["technical_admin"]


def test_a_folder_action_needs_a_folder(account):
    admin = a_master_admin(account)
    assert not check(account, admin, "folder.view", None).allowed


def test_an_unknown_folder_is_a_no_even_for_the_master_admin(account):
    admin = a_master_admin(account)
    for folder_id in (NO_SUCH_ID, "", "no such id", "\0", "\ud800", "x" * 100_000):
        assert not check(account, admin, "folder.view", folder_id).allowed
        assert not check(account, admin, "billing.view", folder_id).allowed
        assert permissions_on(account, admin, folder_id) == frozenset()


def test_an_unknown_user_is_a_no(account, folder):
    for user_id in (NO_SUCH_ID, "", "\0", "\ud800"):
        assert not check(account, user_id, "folder.view", folder).allowed
        assert not may_administer(account, user_id)
        assert folders_visible_to(account, user_id) == []


def test_accounts_never_see_each_other(account, folder):
    other = an_account()
    admin = a_master_admin(other)
    for account_id in (account, other):
        assert not check(account_id, admin, "folder.view", folder).allowed
        assert permissions_on(account_id, admin, folder) == frozenset()
    assert not may_administer(account, admin)
    assert folders_visible_to(account, admin) == []


def test_an_unknown_action_is_an_error(account, ada, folder):
    for action in ("", "folder.destroy", "\0", "FOLDER.VIEW"):
        with pytest.raises(UnknownAction, match="Known: "):
            check(account, ada, action, folder)


def test_a_custom_folder_role_never_permits_account_actions(account, ada, folder):
    role = a_custom_role(account, "folder", ["folder.view", "user.manage"])
    a_grant(account, ada, role, folder)
    assert check(account, ada, "folder.view", folder).allowed
    assert not check(account, ada, "user.manage", folder).allowed
    assert not check(account, ada, "user.manage", None).allowed
    assert not may_administer(account, ada)


def test_a_role_without_view_shows_no_folder(account, ada, folder):
    role = a_custom_role(account, "folder", ["asset.upload"])
    a_grant(account, ada, role, folder)
    assert check(account, ada, "asset.upload", folder).allowed
    assert folders_visible_to(account, ada) == []


def test_the_nearest_grant_comes_first_in_the_reasons(account, ada):
    top = a_folder(account, "Brand")
    below = a_folder(account, parent=top)
    group = a_group(account, "Designers", members=[ada])
    a_grant(account, ada, "admin")
    a_grant(account, group, "editor", top)
    a_grant(account, ada, "manager", below)
    decision = check(account, ada, "asset.edit", below)
    assert [grant.role_id for grant in decision.because] == ["manager", "editor", "admin"]
    assert decision.in_words() == "manager on this folder, by tests."


def test_a_decision_in_words(account, ada, folder):
    below = a_folder(account, parent=folder)
    deep = a_folder(account, parent=below)
    assert check(account, ada, "asset.edit", folder).in_words() == (
        "No grant gives asset.edit here."
    )
    a_grant(account, a_group(account, "Designers", members=[ada]), "editor", folder)
    for where, words in ((below, "the folder above"), (deep, "a folder 2 levels above")):
        assert check(account, ada, "asset.edit", where).in_words() == (
            f"editor on {words}, through the group Designers, by tests."
        )
    a_grant(account, ada, "admin")
    assert check(account, ada, "user.manage", None).in_words() == (
        "admin on the account, by tests."
    )


def test_a_check_is_one_statement(account, ada):
    deep = folders.root_of(account)
    for _ in range(5):
        deep = a_folder(account, parent=deep)
        a_grant(account, a_group(account, members=[ada]), "viewer", deep)
    with statements() as seen:
        assert check(account, ada, "folder.view", deep).allowed
    assert len(seen) == 1
    with statements() as seen:
        permissions_on(account, ada, deep)
        check(account, ada, "user.manage", None)
    assert len(seen) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_decision_reads_a_table_from_end_to_end(account, ada, folder):
    a_grant(account, a_group(account, members=[ada]), "viewer", folder)
    with plans() as steps:
        assert check(account, ada, "folder.view", folder).allowed
        assert folders_visible_to(account, ada)
        assert check(account, ada, "user.manage", None).allowed is False
    own_results = ("SCAN anon_", "SCAN containing_groups", "SCAN places")
    whole = [each for each in steps if each.startswith("SCAN") and not each.startswith(own_results)]
    assert whole == []


def test_at_most_so_many_folders_are_listed(account):
    admin, ada = a_master_admin(account), a_user(account)
    a_grant(account, ada, "viewer", folders.root_of(account))
    a_grant(account, admin, "viewer", folders.root_of(account))
    for _ in range(5):
        a_folder(account)
    for user_id, roles in ((admin, ("master_admin", "viewer")), (ada, ("viewer",))):
        some = folders_visible_to(account, user_id, limit=3)
        assert [folder.roles for folder in some] == [roles] * 3
        assert len(folders_visible_to(account, user_id)) == 6
