"""Connecting a provider in the console, and what its page says afterwards."""

from __future__ import annotations

import pytest

from app.console.providers import PROVIDERS
from app.directory import users
from app.security.secrets import digest
from app.store.models import Connection, Token
from tests.api.v1.world import MAKERS, a_saml_connection
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_connection, a_custom_role, a_grant, a_session, a_user
from tests.inspection import row, rows


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_has_its_pages(admin, provider):
    assert PROVIDERS[provider].label in admin.text(f"/guide/{provider}")
    for way in ("scim", "saml"):
        assert PROVIDERS[provider].label in admin.text(f"/guide/{provider}/{way}")
    assert admin.get("/guide/nobody").status_code == 404


def test_a_token_is_made_with_the_connection_and_shown_once(admin, account):
    answer = admin.submit("/guide/okta/scim", name="Okta")
    text = answer.get_data(as_text=True)
    token, connection = row(Token, account_id=account), row(Connection, account_id=account)
    assert "SCIM connector base URL" in text and "/scim/v2" in text
    assert any(digest(part) == token.hash for part in text.split('"'))
    waiting = admin.text(f"/connections/{connection.id}")
    assert "Waiting for the first request" in waiting
    assert admin.page(f"/connections/{connection.id}").xpath("//@data-poll")


def test_the_page_turns_green_when_the_first_request_arrives(admin, app, account):
    made = admin.submit("/guide/entra/scim", name="Entra").get_data(as_text=True)
    token = next(p for p in made.split('"') if digest(p) == row(Token, account_id=account).hash)
    page = f"/connections/{row(Connection, account_id=account).id}"
    headers = {"Authorization": f"Bearer {token}"}
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bob"}
    provider = Browser(app)
    assert provider.get("/scim/v2/Users?count=1", headers=headers).status_code == 200
    assert "It works: the last request was answered." in admin.text(page)
    assert provider.post("/scim/v2/Users", json=body, headers=headers).status_code == 201
    assert "It works: the last request was answered." in admin.text(page)
    assert provider.post("/scim/v2/Users", json=body, headers=headers).status_code == 409
    refused = admin.text(page)
    assert "The last request was refused." in refused and "/Users" in refused
    log = admin.text("/provisioning?failures=1&user=bob")
    assert "409" in log and "201" not in log


def test_metadata_that_cannot_be_used_is_said(admin, account):
    for given in ({}, {"metadata": "<nonsense"}, {"metadata": "x", "metadata_url": "https://x"}):
        answer = admin.submit("/guide/okta/saml", name="Okta", **given)
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert "alert-danger" in text or "-wrong" in text
    assert rows(Connection, account_id=account) == []


def test_a_saml_connection_shows_what_to_paste_and_tests_a_response(admin, account):
    with write(account) as work:
        connection = a_saml_connection(work)
    page = admin.page(f"/connections/{connection}")
    acs = page.get_element_by_id("acs").get("value")
    assert acs.endswith(f"/saml/{connection}/acs")
    answer = admin.submit(f"/connections/{connection}/test", response="bm90IFhNTA==")
    assert "Nobody would sign in." in answer.get_data(as_text=True)


def test_a_connection_is_taken_out_of_use_and_put_back(admin, account):
    connection = a_connection(account, name="Okta")
    page = f"/connections/{connection}"
    admin.submit(page, f"{page}/disable")
    assert not row(Connection, id=connection).enabled
    assert "out of use" in admin.text("/connections")
    admin.submit(page, f"{page}/enable")
    assert row(Connection, id=connection).enabled


def test_what_was_deleted_is_brought_back(admin, account):
    bob = a_user(account, "bob@example.com")
    with write(account) as work:
        users.delete(work, bob)
    assert "bob@example.com" in admin.text("/trash")
    answer = admin.submit("/trash", f"/trash/{bob}/restore")
    assert answer.location == "/trash?type=user"
    assert "bob@example.com is back." in admin.text("/trash?type=group")


def test_domains_are_listed_and_removed(admin, account):
    domain = MAKERS["domain"](account)
    assert domain in admin.text("/domains")
    admin.submit("/domains", f"/domains/{domain}/remove")
    assert "No domain yet." in admin.text("/domains")


def test_the_start_page_of_an_administrator_says_what_wants_attention(admin, account):
    assert "No provider is connected yet." in admin.text("/")
    a_connection(account, name="Okta")
    assert "Okta" in admin.text("/")


def test_who_may_issue_no_token_gets_none_by_the_guide(browser, account):
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"connection.manage"}))
    browser.sign_in(a_session(account, user_id))
    assert browser.get("/guide/okta/scim").status_code == 403
    assert browser.get("/guide/okta/saml").status_code == 200
