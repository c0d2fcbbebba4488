"""People in the console: the list, adding somebody, and all there is to a person."""

from __future__ import annotations

import re

import pytest
from lxml import html

from app.directory import recovery_codes, users
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.models import Membership, Session, User, UserValue
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_link,
    a_master_admin,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import row, rows, statements
from tests.second_factors import a_totp


@pytest.fixture
def admin(browser, account) -> Browser:
    browser.sign_in(a_session(account, a_master_admin(account, "root@example.com")))
    return browser


def words(element) -> str:
    return " ".join(element.text_content().split())


def tree(browser: Browser, page: str) -> list[str]:
    """The lines of the folders in a branch."""
    return [words(each) for each in browser.page(page).xpath("//ul[@class='reach']/li//summary")]


def token(browser: Browser, page: str) -> dict[str, str]:
    """What makes a form no forged one."""
    return dict(browser.form(page, "/sign-out").form_values())


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


def test_the_list_says_how_people_prove_who_they_are(admin, account, bob):
    a_totp(account, bob)
    a_session(account, a_user(account, "eve"), method="saml", second_factor="provider")
    lines = [words(each) for each in admin.page("/people").xpath("//tbody/tr")]
    assert [line for line in lines if line.startswith("Bob")] == [
        "Bob bob@example.com never signed in Second factor: app From: by hand Last sign-in: never"
    ]
    (eve,) = [line for line in lines if line.startswith("eve")]
    assert "by provider" in eve and "through their company (SAML)" in eve
    assert "never signed in" not in eve


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("second_factor=own", {"bob@example.com"}),
        ("second_factor=none", {"root@example.com", "eve"}),
        ("group=designers", {"bob@example.com"}),
        ("group=nobody", set()),
        ("signed_in=never", {"bob@example.com", "eve"}),
        ("signed_in=lately", {"root@example.com"}),
        ("signed_in=long_ago", set()),
        ("sort=created_at&second_factor=own&group=Designers&status=pending", {"bob@example.com"}),
        ("second_factor=nonsense&signed_in=nonsense&sort=nonsense", None),
    ],
)
def test_the_list_is_narrowed(admin, account, bob, query, found):
    a_totp(account, bob)
    a_user(account, "eve")
    a_group(account, "Designers", members=[bob])
    rows_ = admin.page(f"/people?{query}").xpath("//tbody/tr/th")
    names = {words(each).split()[-1] for each in rows_}
    everybody = {"root@example.com", "bob@example.com", "eve"}
    assert names == (everybody if found is None else found)


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
    a_folder(account, "Elsewhere")
    text = admin.text(f"/people/{bob}")
    assert tree(admin, f"/people/{bob}") == ["Brand editor given here"]
    assert "Elsewhere" not in text and "because they are in Designers, by tests" in text
    branch = f"/people/{bob}/reach?in={brand}"
    assert tree(admin, branch) == ["Secret restricted out of reach"]
    cut_off = "editor from /Brand does not reach here, because this folder is restricted:"
    assert cut_off in admin.text(branch)
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
            a_group(account, f"{more}-{number}", members=[bob])
            a_session(account, bob)
        with statements() as seen:
            admin.page(f"/people/{bob}")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 30


def test_a_list_costs_the_same_however_many_there_are(admin, account):
    costs = []
    for more in (3, 40):
        for number in range(more):
            a_totp(account, a_user(account, f"user{more}-{number}", display_name="Somebody"))
        with statements() as seen:
            admin.page("/people?prefix=user&second_factor=own")
        costs.append(len(seen))
    assert costs[0] == costs[1] < 15


def test_who_is_deactivated_is_out_at_once(admin, app, account, bob):
    bobs = Browser(app)
    bobs.sign_in(a_session(account, bob))
    a_link(account, bob)
    ends = "What ends: 1 session, 1 link not used yet."
    assert ends in admin.text(f"/people/{bob}")
    assert bobs.get("/me/profile").status_code == 200
    page = f"/people/{bob}"
    assert admin.submit(page, f"{page}/deactivate").location == page
    assert bobs.get("/me/profile").status_code == 303
    status = words(admin.page(page).xpath("//dl/dd[1]")[0])
    assert re.fullmatch(r"deactivated \d+ seconds? ago, by root@example.com", status)
    assert "Nothing while they are deactivated." in admin.text(page)
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
    assert "They may do what you may not" in browser.text(page)
    assert "Deactivate" not in browser.text(page)
    form = token(browser, page) | {"purpose": "reset", "user_name": "mine", "emails": "me@x.org"}
    headers = {"Referer": browser.base_url + page}
    for do in ("link", "deactivate", "delete", "sessions/end", "second-factors/reset", "edit"):
        answer = browser.post(f"{page}/{do}", data=form, headers=headers)
        assert answer.status_code == (200 if do == "edit" else 403), do
        assert "may do what you may not" in answer.get_data(as_text=True)
    assert row(User, id=root).active and recovery_codes.left(account, root) == before
    assert row(User, id=root).user_name == "root@example.com"


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


# -- Profile -----------------------------------------------------------------


def test_a_profile_is_changed(admin, account, bob):
    page = f"/people/{bob}/edit"
    answer = admin.submit(
        page,
        user_name="bob.bright@example.com",
        display_name="Bob Bright",
        given_name="Bob",
        family_name="Bright",
        title="Art director",
        department="Design",
        emails="bob.bright@example.com\r\n bob@home.example \r\n",
    )
    assert answer.location == f"/people/{bob}"
    stored = row(User, id=bob)
    assert (stored.user_name, stored.display_name) == ("bob.bright@example.com", "Bob Bright")
    assert stored.attributes["name"] == {"givenName": "Bob", "familyName": "Bright"}
    assert stored.attributes["title"] == "Art director"
    emails = [(each.value, each.primary) for each in rows(UserValue, user_id=bob)]
    assert emails == [("bob.bright@example.com", True), ("bob@home.example", None)]
    shown = dict(admin.form(page, page).form_values())
    assert shown["department"] == "Design"
    assert shown["emails"].split() == ["bob.bright@example.com", "bob@home.example"]
    version = row(User, id=bob).version
    assert "Nothing was to be changed." in admin.text(admin.submit(page).location)
    assert row(User, id=bob).version == version


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("user_name", "ROOT@example.com", "Another user has the userName"),
        ("user_name", "", "This field is required."),
        ("display_name", "x" * 257, "Field must be between 0 and 256 characters long."),
        ("emails", "nonsense", "nonsense does not look like ada@example.com."),
        ("emails", "a@b.c\n" + "x" * 300 + "@b.c", "does not look like"),
        ("department", "x" * 257, "Field must be between 0 and 256 characters long."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin, bob, field, value, says):
    page = f"/people/{bob}/edit"
    answer = admin.submit(page, **{field: value})
    found = html.document_fromstring(answer.get_data(as_text=True))
    assert says in words(found.get_element_by_id(f"{field}-wrong"))
    assert row(User, id=bob).version == 1


def test_nobody_overwrites_what_they_have_not_seen(admin, account, bob):
    page = f"/people/{bob}/edit"
    stale = dict(admin.form(page, page).form_values())
    admin.submit(page, display_name="Robert")
    headers = {"Referer": admin.base_url + page}
    answer = admin.post(page, data=stale | {"display_name": "Late"}, headers=headers)
    assert "It has been changed since you read it." in answer.get_data(as_text=True)
    assert row(User, id=bob).display_name == "Robert"


def test_what_a_provider_owns_is_said(admin, account):
    okta = Actor(type="token", name="Okta", surface="scim", connection_id=None)
    profile = Profile("eve@example.com", display_name="Eve", attributes={"title": "Boss"})
    with write(account, okta) as work:
        eve = users.create(work, profile)
    text = admin.text(f"/people/{eve}/edit")
    assert "What you change here, it writes over the next time it sends them." in text
    assert "It has written: active, displayName, title, userName" in text
    admin.submit(f"/people/{eve}/edit", department="Design")
    assert "department" not in admin.text(f"/people/{eve}/edit").partition("written:")[2][:60]


# -- Groups ------------------------------------------------------------------


def test_somebody_is_put_into_a_group_and_taken_out(admin, account, bob):
    inner = a_group(account, "Designers")
    a_group(account, "Creative", members=[inner])
    page = f"/people/{bob}"
    answer = admin.submit(page, f"{page}/groups#groups", group="designers")
    assert answer.location == f"{page}#groups"
    assert [each.group_id for each in rows(Membership, user_id=bob)] == [inner]
    lines = [words(each) for each in admin.page(page).xpath("//*[@aria-labelledby='groups']//tr")]
    assert "Creative through Designers by hand" in lines
    assert admin.submit(page, f"{page}/groups/{inner}/leave").location == page
    assert rows(Membership, user_id=bob) == []
    form = token(admin, page)
    assert admin.post(f"{page}/groups/{inner}/leave", data=form).status_code == 404


def test_a_group_that_is_not_there_is_said(admin, account, bob):
    theirs = an_account("Globex")
    hidden = a_group(theirs, "Hidden")
    page = f"/people/{bob}"
    for name in ("Nobody", "Hidden", "", "x" * 300):
        answer = admin.submit(page, f"{page}/groups#groups", group=name)
        found = html.document_fromstring(answer.get_data(as_text=True))
        assert words(found.get_element_by_id("group-wrong")), name
    form = token(admin, page)
    assert admin.post(f"{page}/groups/{hidden}/leave", data=form).status_code == 404
    assert rows(Membership, user_id=bob) == []


def test_nobody_is_put_into_a_group_that_gives_more(browser, account, bob):
    lesser = a_user(account)
    a_grant(account, lesser, "admin")
    bosses = a_group(account, "Bosses")
    a_grant(account, bosses, "master_admin")
    browser.sign_in(a_session(account, lesser))
    answer = browser.submit(f"/people/{bob}", f"/people/{bob}/groups#groups", group="Bosses")
    assert "This group may do what you may not" in answer.get_data(as_text=True)
    assert rows(Membership, user_id=bob) == []


def test_what_is_cut_off_is_told_to_those_alone_who_may_know(browser, account, bob):
    brand = a_folder(account, "Brand")
    a_folder(account, "Secret", parent=brand, restricted=True)
    a_grant(account, bob, "editor", brand)
    onlooker = a_user(account)
    a_grant(account, onlooker, a_custom_role(account, "account", {"user.view"}))
    browser.sign_in(a_session(account, onlooker))
    assert tree(browser, f"/people/{bob}") == ["Brand editor given here"]
    assert tree(browser, f"/people/{bob}/reach?in={brand}") == []
    in_the_tree = "//ul[@class='reach']//a[starts-with(@href, '/folders/')]"
    assert browser.page(f"/people/{bob}").xpath(in_the_tree) == []


def test_the_page_tells_what_happened_with_the_way_to_all_of_it(admin, bob):
    admin.submit(f"/people/{bob}/edit", display_name="Robert")
    page = admin.page(f"/people/{bob}")
    (table,) = page.xpath("//table[@aria-label='What happened to them']")
    assert "user.updated root@example.com" in words(table)
    (link,) = page.xpath("//a[text()='Everything that was done to them']/@href")
    assert "user.updated" in admin.text(link)
