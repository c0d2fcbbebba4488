"""Tokens in the console: issued and shown once, replaced, revoked."""

from __future__ import annotations

import pytest

from app.security.secrets import digest
from app.security.tokens import SCOPES
from app.store.models import Token
from tests.console.client import Browser
from tests.factories import a_connection, a_grant, a_session, a_token, a_user
from tests.inspection import row, rows


@pytest.fixture
def admin(browser, account) -> Browser:
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "technical_admin")
    browser.sign_in(a_session(account, user_id))
    return browser


def secret_on(answer) -> str:
    from lxml import html

    page = html.document_fromstring(answer.get_data(as_text=True))
    return page.get_element_by_id("token").get("value")


def test_a_scim_token_is_shown_once_and_kept_as_a_digest(admin, account):
    connection = a_connection(account, name="Okta")
    answer = admin.submit(f"/tokens/new/scim?connection={connection}", "/tokens/new/scim", name="A")
    secret = secret_on(answer)
    token = row(Token, account_id=account)
    assert token.hash == digest(secret) and sorted(token.scopes) == ["groups", "users"]
    assert token.connection_id == connection
    assert answer.headers["Cache-Control"] == "no-store"
    listed = admin.text("/tokens")
    assert token.prefix in listed and secret not in listed and "Okta" in listed


def test_an_api_token_may_do_at_most_what_its_issuer_may(admin, account):
    form = admin.form("/tokens/new/api", "/tokens/new/api")
    offered = admin.page("/tokens/new/api").xpath("//input[@name='scopes']/@value")
    assert "connection.view" in offered and "user.manage" not in offered
    page = {"Referer": admin.base_url + "/tokens/new/api"}
    fields = dict(form.form_values()) | {"name": "Script", "scopes": "user.manage"}
    refused = admin.post("/tokens/new/api", data=fields, headers=page)
    assert refused.status_code == 200 and rows(Token, account_id=account) == []
    answer = admin.post("/tokens/new/api", data=fields | {"scopes": "audit.view"}, headers=page)
    assert row(Token, account_id=account).hash == digest(secret_on(answer))


def test_what_a_role_permits_is_ticked_at_once(admin, account):
    page = admin.page("/tokens/new/api?role=reports")
    ticked = page.xpath("//input[@name='scopes'][@checked]/@value")
    assert sorted(ticked) == ["audit.view", "report.view"]
    assert page.xpath("//main//a[@href='/tokens/new/api?role=technical_admin']")
    assert admin.get("/tokens/new/api?role=nothing").status_code == 404


def test_each_scope_says_what_it_is(admin, account):
    a_connection(account)
    text = admin.text("/tokens/new/scim")
    for scope in SCOPES:
        assert f"{scope}: " in text


def test_a_token_is_replaced_and_both_work_for_a_while(admin, account):
    old = a_token(account)
    answer = admin.submit(f"/tokens/{old.id}/rotate", overlap_hours="24")
    assert secret_on(answer) != old.secret
    assert len(rows(Token, account_id=account)) == 2
    answer = admin.submit(f"/tokens/{old.id}/rotate", overlap_hours="9000")
    assert "overlap_hours-wrong" in answer.get_data(as_text=True)


def test_a_token_is_revoked(admin, account):
    token = a_token(account)
    answer = admin.submit("/tokens", f"/tokens/{token.id}/revoke")
    assert answer.location == "/tokens"
    assert "No program has a token." in admin.text("/tokens")
    assert admin.get(f"/tokens/{token.id}/rotate").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("networks", "not a network"),
        ("expires_at", "2001-01-01"),
        ("expires_at", "9999-12-31"),
        ("expires_at", "tomorrow"),
        ("connection", "nobody"),
        ("name", ""),
    ],
)
def test_what_does_not_fit_is_said(admin, account, field, value):
    a_connection(account)
    answer = admin.submit("/tokens/new/scim", **({"name": "A"} | {field: value}))
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "-wrong" in text or "alert-danger" in text
    assert rows(Token, account_id=account) == []
