"""Who gains and loses what, from one state of the account to another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.access import difference
from app.access.difference import Difference, access_of, users_affected_by
from app.access.folders import VisibleFolder
from app.directory import (
    account_role,
    connections,
    folders,
    grants,
    groups,
    mappings,
    memberships,
    users,
)
from app.directory.users import Profile
from app.directory.work import Work
from app.store.database import db
from app.store.models import Grant, User
from app.store.types import now
from tests.conftest import write
from tests.differences import change_folder, told
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_large_group,
    a_mapping,
    a_master_admin,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import row, rows, statements

MINUTE = timedelta(minutes=1)
Change = Callable[..., object]


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def give(work: Work, to: str, role: str, folder_id: str | None = None) -> None:
    grants.give(work, a_principal(work.account_id, to), role, folder_id)


def compared(account_id: str, user_ids: list[str], change: Change, *args, **options) -> Difference:
    """The difference that a change makes to users."""
    before = access_of(account_id, user_ids)
    with write(account_id) as work:
        change(work, *args, **options)
    return difference.difference(before, access_of(account_id, user_ids))


# -- What a change makes --------------------------------------------------------


def test_the_access_of_a_user(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "reports")
    found = access_of(account, [ada, ada, "no such id", a_user(an_account())])
    assert list(found) == [ada]
    assert found[ada].user_name == "ada"
    assert found[ada].account_roles == {"reports"}
    assert found[ada].folders == {brand: VisibleFolder(brand, "/Brand", ("viewer",))}


def test_nothing_changes_for_those_left_alone(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    assert compared(account, [ada], change_folder, brand, name="Marke") == Difference([], False)


def test_a_member_of_a_nested_group_gains_what_the_outer_one_has(account, ada, brand):
    inner = a_group(account, "Inner")
    a_grant(account, a_group(account, "Outer", members=[inner]), "editor", brand)
    found = compared(account, [ada], memberships.add, inner, [ada])
    assert told(found) == {"ada": (["/Brand: editor"], [])}
    found = compared(account, [ada], groups.delete, inner)
    assert told(found) == {"ada": ([], ["/Brand: editor"])}


def test_one_more_role_is_gained_on_all_below(account, ada, brand):
    a_grant(account, ada, "viewer", a_folder(account, "2026", parent=brand))
    found = compared(account, [ada], give, ada, "editor", brand)
    assert told(found) == {"ada": (["/Brand: editor", "/Brand/2026: editor"], [])}


def test_a_restricted_folder_is_lost_and_opened_won(account, ada, brand):
    secret = a_folder(account, "Secret", parent=brand)
    a_folder(account, "Inner", parent=secret)
    a_grant(account, ada, "viewer", brand)
    inside = ["/Brand/Secret: viewer", "/Brand/Secret/Inner: viewer"]
    found = compared(account, [ada], change_folder, secret, restricted=True)
    assert told(found) == {"ada": ([], inside)}
    found = compared(account, [ada], change_folder, secret, restricted=False)
    assert told(found) == {"ada": (inside, [])}


def test_a_moved_folder_goes_by_its_path_then_and_now(account, ada, brand):
    eve, press = a_user(account, "eve"), a_folder(account, "Press")
    year = a_folder(account, "2026", parent=brand)
    a_grant(account, ada, "viewer", brand)
    a_grant(account, eve, "viewer", press)
    found = compared(account, [ada, eve], change_folder, year, parent_id=press)
    assert told(found) == {
        "ada": ([], ["/Brand/2026: viewer"]),
        "eve": (["/Press/2026: viewer"], []),
    }


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
def test_who_is_out_loses_all(account, ada, brand, how):
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "reports")
    if how == "deleted":
        found = compared(account, [ada], users.delete, ada)
    else:
        found = compared(account, [ada], users.set_active, ada, False)
    assert told(found) == {"ada": ([], ["reports", "/Brand: viewer"])}
    assert found.changes[0].user_id == ada


def test_who_comes_back_or_is_new_gains_all(account, brand):
    ada = a_user(account, "ada", active=False)
    a_grant(account, ada, "viewer", brand)
    all_of_it = {"ada": (["/Brand: viewer"], [])}
    assert told(compared(account, [ada], users.set_active, ada, True)) == all_of_it
    assert told(difference.difference({}, access_of(account, [ada]))) == all_of_it


def test_a_grant_that_ends_and_one_that_has_not_begun(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    grant = row(Grant).id
    found = compared(account, [ada], grants.change, grant, expires_at=now() - MINUTE)
    assert told(found) == {"ada": ([], ["/Brand: viewer"])}
    found = compared(account, [ada], grants.change, grant, not_before=now() + MINUTE)
    assert told(found) == {}


def test_an_account_role_gained_and_lost(account, ada, brand):
    all_of_it = ["media_library_admin", "/: media_library_admin", "/Brand: media_library_admin"]
    found = compared(account, [ada], account_role.assign, ada, "media_library_admin")
    assert told(found) == {"ada": (all_of_it, [])}
    found = compared(account, [ada], account_role.assign, ada, "reports")
    assert told(found) == {"ada": (["reports"], all_of_it)}


def test_a_role_kept_another_way_is_not_lost(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    group = a_group(account, members=[ada])
    a_grant(account, group, "viewer", brand)
    assert told(compared(account, [ada], groups.delete, group)) == {}


# -- Limits ---------------------------------------------------------------------


def test_so_many_users_are_compared(account, monkeypatch):
    monkeypatch.setattr(difference, "USERS_LIMIT", 2)
    people = [a_user(account, f"user{number}") for number in range(3)]
    for each in people:
        a_grant(account, each, "reports")
    two = difference.difference({}, access_of(account, people[:2]))
    assert (list(told(two)), two.truncated) == (["user0", "user1"], False)
    three = difference.difference({}, access_of(account, people))
    assert (list(told(three)), three.truncated) == (["user0", "user1"], True)


def test_so_many_folders_are_compared(account, ada, brand, monkeypatch):
    monkeypatch.setattr(difference, "FOLDERS_LIMIT", 3)
    inside = [a_folder(account, f"f{number}", parent=brand) for number in range(3)]
    a_grant(account, ada, "viewer", brand)
    four = access_of(account, [ada])
    assert difference.difference(four, four) == Difference([], True)
    found = compared(account, [ada], folders.delete, inside[2])
    assert (told(found), found.truncated) == ({"ada": ([], ["/Brand/f2: viewer"])}, True)
    found = compared(account, [ada], grants.revoke, row(Grant).id)
    assert len(found.changes[0].lost_folders) == 3
    assert not found.truncated


def test_what_comes_into_sight_beyond_the_limit_is_not_gained(account, ada, brand, monkeypatch):
    monkeypatch.setattr(difference, "FOLDERS_LIMIT", 3)
    inside = [a_folder(account, f"f{number}", parent=brand) for number in range(6)]
    a_grant(account, ada, "viewer", brand)
    found = compared(account, [ada], folders.delete, inside[0])
    assert told(found) == {"ada": ([], ["/Brand/f0: viewer"])}
    assert found.truncated


# -- Whom changes touch -----------------------------------------------------------


class Undo(Exception):
    """Ends a transaction of which nothing is kept."""


def touched(account_id: str, change: Change, *args, **options) -> set[str]:
    """The names of the users a change touches, asked before it and after it; it is undone."""
    with pytest.raises(Undo), write(account_id) as work:
        names = user_names()
        change(work, *args, **options)
        names |= user_names()
        after = users_affected_by(account_id, work.events)
        raise Undo
    before = users_affected_by(account_id, work.events)
    assert (before, after) == (sorted(before), sorted(after))
    return {names[each] for each in (*before, *after)}


def user_names() -> dict[str, str]:
    return {each.id: each.user_name for each in db.session.execute(select(User.__table__))}


@pytest.fixture
def staff(account) -> dict[str, str]:
    """Ada is in Inner, Inner in Outer, Eve in Outer; Ben is in none; Root is the master admin."""
    ids = {name: a_user(account, name) for name in ("ada", "eve", "ben")}
    ids["root"] = a_master_admin(account, "root")
    ids["Inner"] = a_group(account, "Inner", members=[ids["ada"]])
    ids["Outer"] = a_group(account, "Outer", members=[ids["Inner"], ids["eve"]])
    return ids


def test_a_change_of_a_group_touches_those_in_it(account, staff):
    assert touched(account, groups.delete, staff["Inner"]) == {"ada"}
    assert touched(account, groups.delete, staff["Outer"]) == {"ada", "eve"}


def test_a_change_of_members_touches_them_alone(account, staff):
    assert touched(account, memberships.add, staff["Outer"], [staff["ben"]]) == {"ben"}
    assert touched(account, memberships.remove, staff["Outer"], [staff["Inner"]]) == {"ada"}


def test_a_change_of_a_user_touches_it(account, staff):
    assert touched(account, users.delete, staff["ada"]) == {"ada"}
    assert touched(account, users.create, Profile("new")) == {"new"}


def test_a_grant_touches_those_it_reaches(account, staff, brand):
    assert touched(account, give, staff["Outer"], "viewer", brand) == {"ada", "eve"}
    assert touched(account, give, staff["ben"], "reports") == {"ben"}


def test_a_mapping_touches_those_it_gives_to(account, staff, brand):
    assert touched(account, mappings.create, "Outer", "viewer", brand) == {"ada", "eve"}
    mapping = a_mapping(account, "Inner", "viewer", brand)
    assert touched(account, mappings.delete, mapping) == {"ada"}


def test_a_change_of_a_folder_touches_those_above_it_before_and_after(account, staff, brand):
    press = a_folder(account, "Press")
    year = a_folder(account, "2026", parent=brand)
    below = a_folder(account, "Below", parent=year)
    a_grant(account, staff["Inner"], "viewer", brand)
    a_grant(account, staff["eve"], "viewer", press)
    a_grant(account, staff["ben"], "viewer", below)  # It reaches nothing that changes.
    assert touched(account, change_folder, year, parent_id=press) == {"ada", "eve"}
    assert touched(account, change_folder, year, restricted=True) == {"ada"}


def test_a_folder_that_comes_or_goes_touches_those_who_see_all(account, staff, brand):
    a_grant(account, staff["Inner"], a_custom_role(account, "account", ["folder.view"]))
    a_grant(account, staff["ben"], "reports")
    a_grant(account, staff["eve"], "viewer", brand)
    assert touched(account, folders.delete, brand) == {"root", "ada", "eve"}
    assert touched(account, folders.create, brand, "New") == {"root", "ada", "eve"}
    assert touched(account, change_folder, brand, restricted=True) == {"eve"}


def test_what_concerns_nobody_touches_nobody(account, staff, brand):
    assert touched(account, connections.create, "scim", "Okta") == set()
    assert users_affected_by(account, []) == []


def test_nobody_of_another_account_is_touched(account, staff):
    other = an_account()
    with write(account) as work:
        groups.delete(work, staff["Inner"])
        folders.create(work, folders.root_of(account), "New")
        assert users_affected_by(other, work.events) == []


def test_it_stops_beyond_the_limit(account):
    group = a_large_group(account, 200)
    with pytest.raises(Undo), write(account) as work:
        groups.delete(work, group)
        raise Undo
    with statements() as seen:
        found = users_affected_by(account, work.events)
    assert len(seen) == 1
    first = sorted(each.id for each in rows(User, account_id=account))
    assert found == first[: difference.USERS_LIMIT + 1]


def test_many_groups_hide_nobody(account, monkeypatch):
    monkeypatch.setattr(difference, "CHUNK", 2)
    members = [a_group(account) for _ in range(5)] + [a_user(account, "ada")]
    assert touched(account, memberships.add, a_group(account), members) == {"ada"}
