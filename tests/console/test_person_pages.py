"""People in the console: the list, adding somebody, and all there is to a person."""

from __future__ import annotations

import pytest

from app.directory import recovery_codes
from app.store.models import Session, User
from tests.console.client import Browser
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_master_admin,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import row, rows, statements


@pytest.fixture
def admin(browser, account) -> Browser:
    browser.sign_in(a_session(account, a_master_admin(account, "root@example.com")))
    return browser


@pytest.fixture
def bob(account) -> str:
    return a_user(account, "bob@example.com", display_name="Bob")


def test_people_are_found_by_how_they_begin_and_by_status(admin, account, bob):
    assert "Bob" in admin.text("/people?prefix=BOB")
    assert "Nobody here is like that." in admin.text("/people?prefix=zzz")
    assert "Bob" in admin.text("/people?status=pending")
    assert "Bob" not in admin.text("/people?status=deactivated")
    assert "root@example.com" in admin.text("/people?role=master_admin")
    assert admin.get("/people?cursor=nonsense").status_code == 303


def test_somebody_is_added(admin, account):
    added = admin.submit(
        "/people/new", user_name="eve@example.com", display_name="Eve", email="eve@example.com"
    )
    assert row(User, account_id=account, user_name="eve@example.com").display_name == "Eve"
    assert "Eve" in admin.text(added.location)
    for user_name in ("EVE@example.com", "", "x" * 257):
        answer = admin.submit("/people/new", user_name=user_name)
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert "-wrong" in text or "alert-danger" in text


def test_a_person_says_what_they_reach_and_why(admin, account, bob):
    brand = a_folder(account, "Brand")
    a_grant(account, a_group(account, "Designers", members=[bob]), "editor", brand)
    a_folder(account, "Secret", parent=brand, restricted=True)
    text = admin.text(f"/people/{bob}")
    reach = admin.page(f"/people/{bob}").xpath("//table[@aria-labelledby='reach']/tbody/tr")
    assert [row.findtext("th/a") for row in reach] == ["/Brand"]
    assert "Secret" not in text and "Designers" in text
    yes = admin.text(f"/people/{bob}?action=asset.upload&folder=/Brand")
    assert "They may, because of: editor on /Brand, because they are in Designers" in yes
    no = admin.text(f"/people/{bob}?action=asset.upload&folder=/Brand/Secret")
    assert "it does not reach here: a folder between is restricted." in no
    nothing = admin.text(f"/people/{bob}?action=user.manage")
    assert "Neither they nor a group of theirs has a role there that permits it." in nothing
    assert "There is no folder" in admin.text(f"/people/{bob}?action=folder.view&folder=/No")


def test_a_page_costs_the_same_however_much_somebody_reaches(admin, account, bob):
    costs = []
    for more in (1, 30):
        for number in range(more):
            a_grant(account, bob, "viewer", a_folder(account, f"{more}-{number}"))
        with statements() as seen:
            admin.page(f"/people/{bob}")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 30


def test_who_is_deactivated_is_out_at_once(admin, app, account, bob):
    bobs = Browser(app)
    bobs.sign_in(a_session(account, bob))
    assert bobs.get("/me/profile").status_code == 200
    page = f"/people/{bob}"
    assert admin.submit(page, f"{page}/deactivate").location == page
    assert bobs.get("/me/profile").status_code == 303
    assert "deactivated" in admin.text(page)
    admin.submit(page, f"{page}/activate")
    assert row(User, id=bob).active


def test_sessions_are_ended_one_by_one_and_all(admin, account, bob):
    for _ in range(3):
        a_session(account, bob)
    page = f"/people/{bob}"

    def live() -> int:
        return len([each for each in rows(Session, user_id=bob) if each.revoked_at is None])

    first = rows(Session, user_id=bob)[0].id
    form = admin.page(page).forms
    (one,) = [each for each in form if each.fields.get("session") == first]
    referrer = {"Referer": admin.base_url + page}
    admin.post(f"{page}/sessions/end", data=dict(one.form_values()), headers=referrer)
    assert live() == 2
    everywhere = dict(one.form_values()) | {"session": ""}
    admin.post(f"{page}/sessions/end", data=everywhere, headers=referrer)
    assert live() == 0
    unknown = dict(one.form_values()) | {"session": "nothing"}
    answer = admin.post(f"{page}/sessions/end", data=unknown, headers=referrer)
    assert answer.status_code == 404


def test_a_link_is_shown_once_and_not_in_an_address(admin, bob):
    answer = admin.submit(f"/people/{bob}", f"/people/{bob}/link")
    assert answer.status_code == 200
    assert "/sign-in/set-password/" in answer.get_data(as_text=True)
    assert "/sign-in/set-password/" not in admin.text(f"/people/{bob}")


def test_break_glass_is_given_and_taken(admin, bob):
    page = f"/people/{bob}"
    admin.submit(page, f"{page}/break-glass")
    assert row(User, id=bob).break_glass
    admin.submit(page, f"{page}/break-glass")
    assert not row(User, id=bob).break_glass


def test_the_last_master_admin_stays(admin, account):
    root = row(User, account_id=account, user_name="root@example.com").id
    page = f"/people/{root}"
    assert admin.submit(page, f"{page}/deactivate").location == page
    assert "last active master admin" in admin.text(page)
    assert row(User, id=root).active


def test_nobody_does_to_who_may_do_more(browser, account):
    root = a_master_admin(account, "root@example.com")
    lesser = a_user(account)
    a_grant(account, lesser, "admin")
    browser.sign_in(a_session(account, lesser))
    page = f"/people/{root}"
    before = recovery_codes.left(account, root)
    for do in ("link", "deactivate", "delete"):
        assert browser.submit(page, f"{page}/{do}").status_code in (303, 403)
    assert row(User, id=root).active and recovery_codes.left(account, root) == before


def test_a_person_is_deleted(admin, account, bob):
    assert admin.submit(f"/people/{bob}", f"/people/{bob}/delete").location == "/people"
    assert rows(User, id=bob) == []


def test_another_account_does_not_exist(admin):
    theirs = a_user(an_account("Globex"))
    assert admin.get(f"/people/{theirs}").status_code == 404


def test_the_audit_log_is_searched_and_exported(admin, account, bob):
    admin.submit(f"/people/{bob}", f"/people/{bob}/deactivate")
    found = admin.text(f"/audit?action=user.&target={bob}&since=2026-01-01")
    assert "user.deactivated" in found and "bob@example.com" in found
    assert "Nothing like that has happened." in admin.text("/audit?action=folder.deleted")
    values = dict(admin.page("/audit").xpath("//form[@action='/audit/export']")[0].form_values())
    referrer = {"Referer": admin.base_url + "/audit"}
    exported = admin.post("/audit/export?action=user.", data=values, headers=referrer)
    assert exported.status_code == 200
    assert "user.deactivated" in exported.get_data(as_text=True)
    assert "audit.exported" in admin.text("/audit?action=audit.")
    assert admin.get("/audit?since=yesterday").status_code == 303
    assert admin.get("/audit?until=9999-12-31").status_code == 303
