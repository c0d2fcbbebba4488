"""Folders in the console: the tree, who has one, sharing, moving, restricting."""

from __future__ import annotations

import pytest

from app.directory import folders
from app.store.models import Folder, Grant
from tests.factories import a_folder, a_grant, a_group, a_session, a_user, an_account
from tests.inspection import row, rows, statements


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def test_the_tree_opens_branch_by_branch(admin, account, brand):
    a_folder(account, "2026", parent=brand)
    page = admin.page("/folders")
    assert page.xpath("//ul[@data-branches]//a[not(ancestor::details)]/text()") == ["Brand"]
    (branch,) = page.xpath("//details/@data-branch")
    assert admin.page(branch).xpath("//ul[@data-branches]//a/text()") == ["2026"]
    assert "/Brand/2026" in admin.text("/folders?prefix=20")


def test_a_branch_costs_what_it_shows(admin, account, brand):
    costs = []
    for more in (2, 30):
        for number in range(more):
            a_folder(account, f"{more}-{number}", parent=brand)
        with statements() as seen:
            admin.page(f"/folders?in={brand}")
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_who_sees_some_folders_finds_those_alone(browser, account, brand):
    secret = a_folder(account, "Secret")
    inner = a_folder(account, "2026", parent=brand)
    bob = a_user(account, "bob@example.com")
    a_grant(account, bob, "viewer", inner)
    browser.sign_in(a_session(account, bob))
    (name,) = browser.page("/folders").xpath("//*[@class='reach']/li//summary/span[1]/text()")
    assert name == "Brand" and f"/folders/{brand}" not in browser.get("/folders").text
    (link,) = browser.page(f"/folders?in={brand}").xpath("//*[@class='reach']//p/a/@href")
    assert link == f"/folders/{inner}"
    assert "Secret" not in browser.text("/folders?prefix=S")
    page = browser.page(f"/folders/{inner}")
    assert page.xpath("//ol/li[2]//a") == [] and "Brand" in page.xpath("string(//ol/li[2])")
    assert "Who has it" not in browser.text(f"/folders/{inner}")
    assert browser.get(f"/folders?in={secret}").status_code == 404
    for hidden in (brand, secret, "nothing"):
        for path in ("", "/share", "/move", "/people", "/restrict", "/new", "/rename"):
            assert browser.get(f"/folders/{hidden}{path}").status_code == 404
    for path in ("/share", "/move", "/people", "/restrict", "/new", "/rename"):
        assert browser.get(f"/folders/{inner}{path}").status_code == 403


def test_sharing_shows_first_and_then_does(admin, account, brand):
    bob = a_user(account, "bob@example.com")
    page = f"/folders/{brand}/share"
    asked = {"name": "bob@example.com", "role": "editor", "reason": "the rebrand"}
    seen = admin.submit(page, preview="1", **asked).get_data(as_text=True)
    assert "editor: /Brand" in seen and rows(Grant, user_id=bob) == []
    assert admin.submit(page, **asked).location == f"/folders/{brand}"
    assert row(Grant, user_id=bob).reason == "the rebrand"
    assert "the rebrand" in admin.text(f"/folders/{brand}")
    assert "bob@example.com" in admin.text(f"/folders/{brand}/people")
    answer = admin.submit(page, name="nobody", role="editor")
    assert 'id="name-wrong"' in answer.get_data(as_text=True)


def test_a_manager_shares_with_a_group_and_at_most_what_they_hold(browser, account, brand):
    manager = a_user(account, "mia@example.com")
    a_grant(account, manager, "manager", brand)
    group = a_group(account, "Designers")
    browser.sign_in(a_session(account, manager))
    given = browser.submit(
        f"/folders/{brand}/share", type="group", name="designers", role="manager"
    )
    assert given.status_code == 303 and row(Grant, group_id=group).role_id == "manager"


def test_what_comes_from_above_is_shown_and_what_is_cut_off_too(admin, account, brand):
    a_grant(account, a_group(account, "Designers"), "editor", brand)
    inner = a_folder(account, "2026", parent=brand)
    assert "From /Brand inherited" in admin.text(f"/folders/{inner}")
    admin.submit(f"/folders/{inner}/restrict")
    assert row(Folder, id=inner).restricted
    assert "From /Brand cut off" in admin.text(f"/folders/{inner}")


def test_restricting_says_who_loses(admin, account, brand):
    bob = a_user(account, "bob@example.com")
    a_grant(account, bob, "viewer", brand)
    inner = a_folder(account, "2026", parent=brand)
    text = admin.text(f"/folders/{inner}/restrict")
    assert "viewer: /Brand/2026" in text.partition("bob@example.com")[2]
    assert not row(Folder, id=inner).restricted


def test_a_folder_is_made_renamed_moved_and_deleted(admin, account, brand):
    made = admin.submit(f"/folders/{brand}/new", name="2026")
    inner = made.location.rpartition("/")[2]
    admin.submit(f"/folders/{inner}/rename", name="2027")
    assert row(Folder, id=inner).name == "2027"
    a_folder(account, "Archive")
    seen = admin.submit(f"/folders/{inner}/move", to="/Archive", preview="1")
    assert "What this changes" in seen.get_data(as_text=True)
    assert row(Folder, id=inner).parent_id == brand
    admin.submit(f"/folders/{inner}/move", to="/Archive")
    assert "/Archive/2027" in admin.text(f"/folders/{inner}/move")
    admin.submit(f"/folders/{inner}", f"/folders/{inner}/delete")
    assert rows(Folder, id=inner) == []


@pytest.mark.parametrize("to", ["/Nowhere", "/Brand", "/Brand/2026"])
def test_where_it_cannot_go_is_said(admin, account, brand, to):
    a_folder(account, "2026", parent=brand)
    answer = admin.submit(f"/folders/{brand}/move", to=to)
    assert answer.status_code == 200
    assert row(Folder, id=brand).parent_id == folders.root_of(account)


def test_another_account_does_not_exist(admin):
    theirs = a_folder(an_account("Globex"), "Files")
    for path in ("", "/share", "/move", "/people", "/restrict", "/new", "/rename"):
        assert admin.get(f"/folders/{theirs}{path}").status_code == 404
