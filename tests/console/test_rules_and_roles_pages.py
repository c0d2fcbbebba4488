"""What the account requires, and its roles, in the console."""

from __future__ import annotations

import pytest

from app.store.models import Account, Role
from tests.console.client import Browser
from tests.factories import a_custom_role, a_grant, a_session, a_user
from tests.inspection import row, rows


@pytest.fixture
def admin(browser, account) -> Browser:
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "master_admin")
    browser.sign_in(a_session(account, user_id, second_factor="totp"))
    return browser


def test_a_second_factor_is_required_of_everybody_and_no_more(admin, account):
    rule = "/sign-in-rules/requires_second_factor"
    admin.submit("/sign-in-rules", rule)
    assert row(Account, id=account).requires_second_factor
    admin.submit("/sign-in-rules", rule)
    assert not row(Account, id=account).requires_second_factor


def test_a_second_factor_is_required_by_role(admin, account):
    admin.submit("/sign-in-rules", "/sign-in-rules/roles/reports")
    assert row(Role, account_id=account, id="reports").requires_second_factor


def test_saml_cannot_be_required_before_there_is_a_way_in(admin, account):
    answer = admin.submit("/sign-in-rules", "/sign-in-rules/requires_saml")
    assert answer.location == "/sign-in-rules"
    assert "Connect a SAML provider first." in admin.text("/sign-in-rules")
    assert not row(Account, id=account).requires_saml


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
