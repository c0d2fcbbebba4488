"""OAuth clients in the console: added and shown once, given a new secret, revoked."""

from __future__ import annotations

import pytest
from lxml import html

from app.security.secrets import digest
from app.store.models import OAuthClient
from tests.console.client import Browser
from tests.factories import a_connection, a_custom_role, a_grant, a_session, a_user
from tests.inspection import row, rows


@pytest.fixture
def scim(account) -> str:
    return a_connection(account, name="Entra")


def shown(answer, field: str) -> str:
    page = html.document_fromstring(answer.get_data(as_text=True))
    return page.get_element_by_id(field).get("value")


def test_a_client_is_added_and_its_secret_shown_once(admin, account, scim):
    answer = admin.submit(
        f"/clients/new?connection={scim}",
        "/clients/new",
        name="Provisioning",
        networks="203.0.113.0/24",
    )
    client = row(OAuthClient, account_id=account)
    assert client.hash == digest(shown(answer, "client-secret"))
    assert shown(answer, "client-id") == client.id
    assert shown(answer, "token-url").endswith("/oauth/token")
    assert (client.connection_id, sorted(client.scopes)) == (scim, ["groups", "users"])
    assert client.networks == ["203.0.113.0/24"]
    for path in ("/clients", f"/connections/{scim}", f"/clients?connection={scim}"):
        assert "Provisioning" in admin.text(path), path
    assert "No provider has one." in admin.text("/clients?connection=another")


def test_a_secret_is_replaced_and_both_work_for_a_while(admin, account, scim):
    first = admin.submit("/clients/new", name="Provisioning")
    client = row(OAuthClient)
    answer = admin.submit(f"/clients/{client.id}/rotate", overlap_hours="24")
    assert row(OAuthClient).hash == digest(shown(answer, "client-secret"))
    assert row(OAuthClient).previous_hash == digest(shown(first, "client-secret"))
    assert "The secret before it works until" in admin.text("/clients")


def test_a_client_is_revoked_where_it_is_seen(admin, account, scim):
    admin.submit("/clients/new", name="Provisioning")
    client = row(OAuthClient).id
    page = f"/connections/{scim}"
    assert admin.submit(page, f"/clients/{client}/revoke").location == page
    assert rows(OAuthClient) == []
    assert admin.get(f"/clients/{client}/rotate").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("connection", "nobody"), ("networks", "not a network"), ("scopes", "all")],
)
def test_what_does_not_fit_is_said(admin, account, scim, field, value):
    answer = admin.submit("/clients/new", **({"name": "A"} | {field: value}))
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert "-wrong" in text or "alert-danger" in text
    assert rows(OAuthClient) == []


def test_none_may_do_more_than_who_makes_it(app, account, scim):
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"token.manage"}))
    browser = Browser(app)
    browser.sign_in(a_session(account, user_id))
    answer = browser.submit("/clients/new", name="A", scopes=["grants", "admins"])
    assert answer.status_code == 200 and "You lack" in answer.get_data(as_text=True)
    assert rows(OAuthClient) == []
