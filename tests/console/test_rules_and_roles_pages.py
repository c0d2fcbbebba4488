"""What the account requires, and its roles, in the console."""

from __future__ import annotations

import pytest

from app.directory import requiring_saml
from app.store.models import Account, Role
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_connection, a_custom_role, a_grant, a_session, a_user
from tests.inspection import row, rows


@pytest.fixture
def admin(browser, account) -> Browser:
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "master_admin")
    browser.sign_in(a_session(account, user_id, second_factor="totp"))
    return browser


def test_a_second_factor_is_required_of_everybody_and_no_more(admin, account):
    rule = "/sign-in-rules/requires_second_factor"
    admin.submit(rule)
    assert row(Account, id=account).requires_second_factor
    admin.submit("/sign-in-rules", rule)
    assert not row(Account, id=account).requires_second_factor


def test_a_second_factor_is_required_by_role(admin, account):
    admin.submit("/sign-in-rules/roles/reports")
    assert row(Role, account_id=account, id="reports").requires_second_factor


def test_saml_cannot_be_required_before_there_is_a_way_in(admin, account):
    answer = admin.submit("/sign-in-rules/requires_saml", confirm="y")
    assert answer.location == "/sign-in-rules/requires_saml"
    assert "Connect a SAML provider first." in admin.text("/sign-in-rules")
    assert not row(Account, id=account).requires_saml


def test_whom_requiring_saml_concerns_is_shown_before(admin, account):
    a_connection(account, "saml", "Okta")
    bob, eve = a_user(account, "bob@example.com"), a_user(account, "eve", display_name="Eve")
    a_session(account, bob, method="password")
    with write(account) as work:
        requiring_saml.set_break_glass(work, eve, True)
    page = "/sign-in-rules/requires_saml"
    shown = admin.text(page)
    assert "bob@example.com" in shown and "Sessions that end at once: 1" in shown
    assert "Eve has no password" in shown
    assert admin.page("/sign-in-rules").xpath("//main//a[@href=$page]", page=page)
    assert not row(Account, id=account).requires_saml
    assert admin.submit(page, confirm="y").location == "/sign-in-rules"
    assert row(Account, id=account).requires_saml


def test_nobody_shuts_themselves_out_by_requiring_saml(browser, account):
    a_connection(account, "saml", "Okta")
    root, glass = a_user(account, "root@example.com"), a_user(account)
    a_grant(account, root, "master_admin")
    browser.sign_in(a_session(account, root, method="password"))
    with write(account) as work:
        requiring_saml.set_break_glass(work, glass, True)
    page = "/sign-in-rules/requires_saml"
    assert "It would shut you out." in browser.text(page)
    refused = browser.submit(page)
    assert refused.location == page and "Say that you mean it" in browser.text(page)
    assert not row(Account, id=account).requires_saml
    assert browser.submit(page, confirm="y").location == "/sign-in-rules"
    assert row(Account, id=account).requires_saml
    assert browser.get("/sign-in-rules").status_code == 303, "they are signed out"


def test_whom_a_second_factor_concerns_is_shown_before(account, app):
    root, bob = a_user(account, "root@example.com"), a_user(account, "bob@example.com")
    a_grant(account, root, "master_admin")
    a_grant(account, bob, "reports")
    plain = Browser(app)
    plain.sign_in(a_session(account, root, method="password"))
    everybody = plain.text("/sign-in-rules/requires_second_factor")
    assert "Who has no second factor yet: 2" in everybody
    assert "You are signed out too" in everybody and "bob@example.com" in everybody
    of_role = plain.text("/sign-in-rules/roles/reports")
    assert "Who has no second factor yet: 1" in of_role
    assert "You are signed out too" not in of_role and "bob@example.com" in of_role
    assert plain.get("/sign-in-rules/roles/nothing").status_code == 404
    assert plain.get("/sign-in-rules/keeps_unknown").status_code == 405


def test_odd_wishes_are_refused(admin):
    form = dict(admin.form("/sign-in-rules", "/sign-in-rules/keeps_unknown").form_values())
    page = {"Referer": admin.base_url + "/sign-in-rules"}
    for path, wanted, status in (
        ("keeps_unknown", "maybe", 400),
        ("nothing", "on", 404),
        ("roles/nothing", "on", 404),
    ):
        data = form | {"wanted": wanted}
        answer = admin.post(f"/sign-in-rules/{path}", data=data, headers=page)
        assert answer.status_code == status


def test_a_role_is_made_changed_and_deleted(admin, account):
    made = admin.submit(
        "/roles/new/folder", name="Downloader", permissions=["folder.view", "asset.download"]
    )
    assert made.location == "/roles"
    role = row(Role, account_id=account, built_in=False)
    page = f"/roles/{role.id}"
    seen = admin.submit(page, permissions=["folder.view"], preview="1")
    assert "Nobody gains or loses anything by this." in seen.get_data(as_text=True)
    admin.submit(page, permissions=["folder.view"])
    assert row(Role, id=role.id).permissions == ["folder.view"]
    assert admin.submit(page, f"{page}/delete").location == "/roles"
    assert rows(Role, account_id=account, built_in=False) == []


def test_what_somebody_holds_is_not_deleted(admin, account):
    role = a_custom_role(account, "account", {"audit.view"})
    a_grant(account, a_user(account), role)
    answer = admin.submit(f"/roles/{role}", f"/roles/{role}/delete")
    assert answer.status_code == 303
    assert "is granted. Take that back first." in admin.text("/roles")


def test_a_role_permits_at_most_what_its_maker_may(browser, account):
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"role.manage", "user.view"}))
    browser.sign_in(a_session(account, user_id))
    offered = browser.page("/roles/new/account").xpath("//input[@name='permissions']/@value")
    assert sorted(offered) == ["role.manage", "user.view"]
    answer = browser.submit("/roles/new/account", name="More", permissions=["audit.view"])
    assert answer.status_code == 200
    answer = browser.submit("/roles/new/account", name="Less", permissions=["user.view"])
    assert answer.status_code == 303
