"""Many questions at once, who can, pages of folders. That they are right: test_state_machine."""

from __future__ import annotations

import pytest

from app.access.decisions import QUESTIONS_LIMIT, UnknownAction, check_many
from app.access.folders import NamedFolder, folders_visible_to, folders_where, names_above
from app.access.who import who_can
from app.directory import folders
from tests.factories import a_folder, a_grant, a_group, a_large_group, a_master_admin, a_user
from tests.inspection import plans, statements


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


# -- Many questions at once -----------------------------------------------------


def test_answers_come_in_the_order_of_the_questions(account, ada, brand):
    eve = a_user(account, "eve")
    a_grant(account, ada, "viewer", brand)
    asked = [
        (eve, "folder.view", brand),
        (ada, "folder.view", brand),
        (ada, "folder.view", None),
        (ada, "folder.view", brand),
        (ada, "folder.view", "no such id"),
        ("\0", "folder.view", "\ud800"),
    ]
    found = [each.allowed for each in check_many(account, asked)]
    assert found == [False, True, False, True, False, False]
    assert check_many(account, []) == []


def test_how_many_statements_does_not_depend_on_how_many_questions(account, ada, brand):
    inside = [a_folder(account, parent=brand) for _ in range(20)]
    people = [a_user(account) for _ in range(20)]
    a_grant(account, a_group(account, members=people), "viewer", brand)
    counts = []
    for asked in (
        [(ada, "folder.view", brand), (people[0], "folder.view", inside[0])],
        [(ada, action, each) for each in inside for action in ("folder.view", "asset.edit")],
        [(each, "folder.view", where) for each in people for where in inside],
    ):
        with statements() as seen:
            check_many(account, asked)
        counts.append(len(seen))
    assert counts == [2, 2, 2]


def test_there_is_a_limit_and_every_action_must_exist(account, ada, brand):
    asked = [(ada, "folder.view", brand)] * QUESTIONS_LIMIT
    assert len(check_many(account, asked)) == QUESTIONS_LIMIT
    with pytest.raises(ValueError, match="more than"):
        check_many(account, [*asked, asked[0]])
    with pytest.raises(UnknownAction):
        check_many(account, [asked[0], (ada, "folder.destroy", brand)])


# -- Who can --------------------------------------------------------------------


def test_who_can_says_by_which_grants(account, ada, brand):
    admin = a_master_admin(account, "root")
    a_user(account, "nobody")
    gone = a_user(account, "gone", active=False)
    inner = a_group(account, "Designers", members=[ada, gone])
    a_grant(account, a_group(account, "Creative", members=[inner]), "editor", brand)
    a_grant(account, ada, "viewer", brand)
    below = a_folder(account, parent=brand)
    found = who_can(account, "asset.edit", below)
    assert [each.user_name for each in found] == ["ada", "root"]
    assert [(g.role_name, g.group_name) for g in found[0].because] == [("editor", "Creative")]
    assert [each.user_id for each in who_can(account, "user.manage", None)] == [admin]
    assert [each.user_id for each in who_can(account, "user.manage", brand)] == [admin]


def test_nobody_can_where_there_is_nothing_to_do_it_on(account, brand):
    a_master_admin(account)
    assert who_can(account, "folder.view", None) == []
    for unknown in ("no such id", "\0", ""):
        assert who_can(account, "folder.view", unknown) == []
        assert who_can(account, "user.manage", unknown) == []
    with pytest.raises(UnknownAction):
        who_can(account, "folder.destroy", brand)


def test_a_page_costs_the_same_for_any_number_of_people(account, brand):
    a_grant(account, a_large_group(account, 300), "viewer", brand)
    counts, after, found = [], None, []
    for _ in range(3):
        with statements() as seen:
            page = who_can(account, "folder.view", brand, after=after)
        counts.append(len(seen))
        found += [each.user_id for each in page]
        after = found[-1]
    assert counts == [5, 5, 5]
    assert found == sorted(set(found))
    assert len(found) == 300
    assert who_can(account, "folder.view", brand, after=after) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_those_whom_a_grant_reaches_are_looked_at(account, ada, brand):
    a_grant(account, a_group(account, members=[ada]), "viewer", brand)
    with plans() as steps:
        assert who_can(account, "folder.view", brand)
        assert names_above(account, ada, [brand])
    users = [each for each in steps if " users " in each]
    assert users
    assert all(each.endswith("(account_id=? AND id=?)") for each in users)
    own = ("SCAN anon_", "SCAN containing_groups", "SCAN given", "SCAN inside", "SCAN place")
    assert [each for each in steps if each.startswith("SCAN") and not each.startswith(own)] == []


# -- Folders --------------------------------------------------------------------


def test_folders_come_page_by_page(account, ada, brand):
    inside = [a_folder(account, parent=brand) for _ in range(5)]
    twice = a_group(account, members=[ada])
    a_grant(account, ada, "viewer", brand)
    a_grant(account, twice, "editor", inside[2])
    for user_id, expected in ((ada, [brand, *inside]), (a_master_admin(account), None)):
        expected = expected or [folders.root_of(account), brand, *inside]
        found, after = [], None
        while page := folders_visible_to(account, user_id, limit=2, after=after):
            after = max(each.id for each in page)
            found += [each.id for each in page]
        assert sorted(found) == sorted(expected)


def test_folders_where_one_may_do_something(account, ada, brand):
    below = a_folder(account, parent=brand)
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "editor", below)
    (found,) = folders_where(account, ada, "asset.edit")
    assert (found.id, found.roles) == (below, ("editor",))
    assert folders_where(account, a_master_admin(account), "user.manage") == []
    with pytest.raises(UnknownAction):
        folders_where(account, ada, "folder.destroy")


def test_grants_on_very_many_folders(account, ada, monkeypatch):
    monkeypatch.setattr("app.access.folders.CHUNK", 2)
    for _ in range(5):
        a_grant(account, ada, "viewer", a_folder(account))
    with statements() as seen:
        assert len(folders_visible_to(account, ada, limit=4)) == 4
    assert len(seen) == 5


def test_folders_above_show_by_name(account, ada, brand):
    year = a_folder(account, "2026", parent=brand)
    shared = a_folder(account, "Shared", parent=year)
    inner = a_folder(account, "Inner", parent=shared)
    hidden = a_folder(account, "Hidden", parent=brand)
    a_grant(account, ada, "viewer", shared)
    root = folders.root_of(account)
    with statements() as seen:
        found = names_above(account, ada, [inner, shared])
    assert len(seen) == 2
    assert found == [
        NamedFolder(root, "/", None, "/"),
        NamedFolder(brand, "Brand", root, "/Brand"),
        NamedFolder(year, "2026", brand, "/Brand/2026"),
    ]
    assert names_above(account, ada, [hidden, "no such id"]) == []
    assert names_above(account, a_master_admin(account), [shared]) == []
