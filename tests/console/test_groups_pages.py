"""Groups in the console: the list, a group, who is in it, what it gives."""

from __future__ import annotations

import pytest

from app.store.models import Grant, Group, Membership, NestedGroup
from tests.factories import a_folder, a_group, a_large_group, a_session, a_user
from tests.inspection import row, rows, statements


def test_groups_are_found_by_how_they_begin(admin, account):
    a_group(account, "Designers")
    a_group(account, "Editors")
    assert "Designers" in admin.text("/groups") and "Editors" in admin.text("/groups")
    narrowed = admin.text("/groups?prefix=des")
    assert "Designers" in narrowed and "Editors" not in narrowed
    assert "There is no such group." in admin.text("/groups?origin=scim")


def test_a_group_is_added_renamed_and_deleted(admin, account):
    added = admin.submit("/groups/new", display_name="Designers")
    assert added.status_code == 303
    assert "Designers" in admin.text(added.location)
    renamed = admin.submit(f"{added.location}/edit", display_name="Design")
    assert renamed.location == added.location
    assert row(Group, account_id=account).display_name == "Design"
    deleted = admin.submit(added.location, f"{added.location}/delete")
    assert deleted.location == "/groups"
    assert rows(Group, account_id=account) == []
    assert "Design is deleted" in admin.text("/groups")


def test_what_cannot_be_a_name_is_said_at_the_field(admin):
    for name in ("", "x" * 257):
        answer = admin.submit("/groups/new", display_name=name)
        assert answer.status_code == 200
        assert 'id="display_name-wrong"' in answer.get_data(as_text=True)


def test_somebody_elses_change_is_not_overwritten(admin, account):
    group = a_group(account, "Designers")
    answer = admin.submit(f"/groups/{group}/edit", display_name="Mine", version="99")
    assert "It has been changed since you read it." in answer.get_data(as_text=True)
    assert row(Group, id=group).display_name == "Designers"


def test_members_come_and_go(admin, account):
    group = a_group(account, "Designers")
    bob, eve = a_user(account, "bob@example.com"), a_user(account, "eve@example.com")
    inner = a_group(account, "Interns")
    page = f"/groups/{group}"
    added = admin.submit(page, f"{page}/members", names="bob@example.com\n eve@example.com \n\n")
    assert added.location == page
    assert "2 are in Designers now." in admin.text(page)
    admin.submit(page, f"{page}/members", type="group", names="interns")
    assert {each.user_id for each in rows(Membership, group_id=group)} == {bob, eve}
    assert row(NestedGroup, group_id=group).member_id == inner
    admin.submit(page, f"{page}/members/{bob}/remove")
    assert [each.user_id for each in rows(Membership, group_id=group)] == [eve]


def test_whom_nobody_is_called_so_is_said_and_nobody_is_added(admin, account):
    group = a_group(account, "Designers")
    a_user(account, "bob@example.com")
    page = f"/groups/{group}"
    answer = admin.submit(page, f"{page}/members", names="bob@example.com\nnobody@example.com")
    assert answer.status_code == 200
    assert "There is no user &#39;nobody@example.com&#39;." in answer.get_data(as_text=True)
    assert rows(Membership, group_id=group) == []


def test_a_large_group_costs_what_a_page_of_it_shows(admin, account):
    small = a_group(account, "Small", members=[a_user(account)])
    large = a_large_group(account, 2_000)
    costs = []
    for group in (small, large):
        with statements() as seen:
            admin.text(f"/groups/{group}")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 20
    assert len(admin.page(f"/groups/{large}").xpath("//tbody/tr")) == 50


def test_somebody_is_found_in_a_group_within(admin, account):
    bob = a_user(account, "bob@example.com")
    inner = a_group(account, "Interns", members=[bob])
    outer = a_group(account, "Staff", members=[inner])
    assert "bob@example.com" in admin.text(f"/groups/{outer}?prefix=bob")
    assert "Nobody in it is called so." in admin.text(f"/groups/{outer}?prefix=eve")
    assert "in Staff" in admin.text(f"/groups/{inner}")


def test_a_role_is_given_shown_changed_and_taken_back(admin, account):
    group = a_group(account, "Designers", members=[a_user(account, "bob@example.com")])
    a_folder(account, "Brand")
    page = f"/groups/{group}"
    give = f"/grants/give?group={group}"
    seen = admin.submit(give, role="editor", folder="/Brand", preview="1")
    assert "editor: /Brand" in seen.get_data(as_text=True)
    assert rows(Grant, group_id=group) == []
    given = admin.submit(give, role="editor", folder="/Brand", reason="the rebrand")
    assert given.location == page
    assert "the rebrand" in admin.text(page) and "/Brand" in admin.text(page)
    grant = row(Grant, group_id=group)
    changed = admin.submit(f"/grants/{grant.id}", reason="for good")
    assert changed.status_code == 303
    assert row(Grant, group_id=group).reason == "for good"
    admin.submit(page, f"/grants/{grant.id}/revoke")
    assert rows(Grant, group_id=group) == []


def test_nobody_gives_more_than_they_have(admin, account):
    group = a_group(account, "Designers")
    answer = admin.submit(f"/grants/give?group={group}", role="master_admin")
    assert answer.status_code == 200
    assert rows(Grant, group_id=group) == []


@pytest.mark.parametrize("folder", ["/Nowhere", "Brand/../..", "/Nowhere" * 50])
def test_a_folder_that_is_not_there_is_said_at_the_field(admin, account, folder):
    group = a_group(account, "Designers")
    answer = admin.submit(f"/grants/give?group={group}", role="editor", folder=folder)
    assert answer.status_code == 200
    assert rows(Grant, group_id=group) == []


def test_who_may_only_look_sees_no_buttons_and_may_not_write(browser, account):
    group = a_group(account, "Designers")
    user_id = a_user(account)
    browser.sign_in(a_session(account, user_id))
    assert browser.get("/groups").status_code == 403
    assert browser.get(f"/groups/{group}").status_code == 403
