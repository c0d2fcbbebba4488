"""``/api/v1/connections``."""

from __future__ import annotations

import pytest

from app.directory import requiring_saml
from app.directory.sessions import AtProvider
from app.store.models import Connection, ConnectionKey, Session, Token
from saml import setup
from saml.keys import new_key_pair
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_connection, a_session, a_token, a_user, an_account
from tests.inspection import audit, row, rows
from tests.saml.provider import ENTITY_ID, SSO, TestProvider

BASE = "http://127.0.0.1:8000/saml/"


@pytest.fixture(scope="module")
def provider() -> TestProvider:
    return TestProvider()


@pytest.fixture(scope="module")
def own_pair() -> tuple[str, str]:
    return new_key_pair("Gatehouse")


@pytest.fixture
def saml(provider, own_pair, monkeypatch):
    """What connects a SAML provider."""
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: own_pair)
    return {"kind": "saml", "name": "IdP", "metadata": provider.metadata().decode()}


def names(found) -> list[str]:
    return [each["name"] for each in found]


def test_a_connection_for_scim_is_made_and_taken_out_of_use(app, account, api):
    made = api.post("/connections", {"kind": "scim", "name": "Okta"})
    assert made.status_code == 201 and made.json["saml"] is None and made.json["enabled"]
    path = made.headers["Location"].removeprefix("/api/v1")
    assert api.get(path).json == made.json
    headers = {"Authorization": f"Bearer {a_token(account, made.json['id']).secret}"}

    def ask() -> int:
        return app.test_client().get("/scim/v2/Users", headers=headers).status_code

    assert ask() == 200
    assert api.patch(path, {"enabled": False}).json["enabled"] is False
    assert ask() == 401
    assert api.patch(path, {"enabled": True}).json["enabled"] is True
    assert api.patch(path, {}).json["enabled"] is True
    actions = [each.action for each in audit(account) if each.target_id == made.json["id"]]
    assert actions == ["connection.created", "connection.disabled", "connection.enabled"]
    assert api.post("/connections", {"kind": "scim", "name": "okta"}).status_code == 409


def test_a_saml_provider_is_connected_by_its_metadata(app, account, api, saml, own_pair):
    made = api.post("/connections", saml, Idempotency_Key="k")
    assert made.status_code == 201
    shown = api.get(f"/connections/{made.json['id']}").json
    assert shown == made.json
    base = f"{BASE}{shown['id']}"
    ours, theirs = shown["saml"]["ours"], shown["saml"]["provider"]
    assert (ours["entity_id"], ours["acs_url"], ours["slo_url"], ours["login_url"]) == tuple(
        f"{base}/{each}" for each in ("metadata", "acs", "slo", "login")
    )
    assert (theirs["entity_id"], theirs["sign_in_url"]) == (ENTITY_ID, SSO)
    assert [each["state"] for each in ours["certificates"]] == ["current"]
    assert theirs["certificates"][0]["not_after"].startswith("203")
    assert app.test_client().get(f"/saml/{shown['id']}/metadata").status_code == 200
    again = api.post("/connections", saml, Idempotency_Key="k")
    assert again.json == made.json and len(rows(Connection)) == 1


def test_a_connection_is_renamed(account, api):
    connection_id = a_connection(account, name="Okta")
    a_connection(account, name="Entra")
    path = f"/connections/{connection_id}"
    assert api.patch(path, {"name": "Okta push"}).json["name"] == "Okta push"
    assert api.patch(path, {"name": "entra"}).status_code == 409
    assert api.patch(path, {"name": " "}).status_code == 422
    assert api.get(path).json["name"] == "Okta push"


def test_a_connection_out_of_use_is_deleted(account, api):
    connection_id = a_connection(account)
    a_token(account, connection_id)
    path = f"/connections/{connection_id}"
    refused = api.delete(path)
    assert refused.status_code == 409 and "Take it out of use first." in refused.json["detail"]
    api.patch(path, {"enabled": False})
    told = api.delete(path, Prefer="dry-run").json
    assert told["status"] == 204 and told["access"] == []
    assert [each["action"] for each in told["changes"]] == ["token.revoked", "connection.deleted"]
    assert api.get(path).status_code == 200
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == api.delete(path).status_code == 404
    assert rows(Token, connection_id=connection_id) == []


def test_no_key_is_shown(account, api, saml):
    connection_id = api.post("/connections", saml).json["id"]
    texts = [api.get("/connections").text, api.get(f"/connections/{connection_id}").text]
    sealed = row(ConnectionKey).sealed_key
    for text in texts:
        assert sealed not in text and "PRIVATE" not in text and "settings" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": "<nothing/>"},
        {"metadata": "\ud800"},
        {"metadata": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"},
        {"metadata_url": "https://idp.example/metadata"},
        {"kind": "scim"},
        {"name": ""},
        {"name": "\0"},
    ],
)
def test_what_cannot_be_is_refused(api, saml, change):
    assert api.post("/connections", saml | change).status_code == 422
    assert rows(Connection) == []


@pytest.mark.parametrize("url", ["http://idp.example/m", "https://127.0.0.1/m", "file:///etc", "x"])
def test_metadata_is_fetched_from_public_https_addresses_alone(api, url):
    body = {"kind": "saml", "name": "IdP", "metadata_url": url}
    assert api.post("/connections", body).status_code == 422
    assert rows(Connection) == []


def test_metadata_at_an_address_is_read_anew_from_there(api, provider, saml, monkeypatch):
    url = "https://idp.example/metadata"
    monkeypatch.setattr(setup, "fetch_metadata", {url: provider.metadata()}.__getitem__)
    made = api.post("/connections", {"kind": "saml", "name": "IdP", "metadata_url": url})
    assert made.json["saml"]["provider"]["metadata_url"] == url
    assert row(Connection).settings["metadata_url"] == url


def test_sessions_opened_through_it_end_with_it(account, api, saml):
    connection_id = api.post("/connections", saml).json["id"]
    a_session(account, a_user(account), at_provider=AtProvider(connection_id, "ada"))
    assert api.patch(f"/connections/{connection_id}", {"enabled": False}).status_code == 200
    assert row(Session).revoked_at is not None


def test_the_last_way_in_stays(account, api, saml):
    connection_id = api.post("/connections", saml).json["id"]
    ada = a_user(account)
    with write(account) as work:
        requiring_saml.set_break_glass(work, ada, True)
        requiring_saml.require(work, True)
    refused = api.patch(f"/connections/{connection_id}", {"enabled": False})
    assert refused.status_code == 422 and api.get(f"/connections/{connection_id}").json["enabled"]


def test_all_pages_by_name(account, api):
    for name in ("b", "D", "a", "C", "e"):
        a_connection(account, name=name)
    assert names(api.all("/connections")) == ["a", "b", "C", "D", "e"]
    assert names(api.all("/connections?kind=saml")) == []


def test_who_may(app, account):
    viewer = Api(app, an_api_token(account, {"connection.view"}))
    path = f"/connections/{a_connection(account)}"
    assert viewer.get("/connections").status_code == viewer.get(path).status_code == 200
    assert viewer.post("/connections", {"kind": "scim", "name": "x"}).status_code == 403
    assert viewer.patch(path, {"enabled": False}).status_code == 403
    assert viewer.delete(path).status_code == 403
    assert Api(app, an_api_token(account, {"user.view"})).get("/connections").status_code == 403


def test_another_accounts_connection_does_not_exist(api):
    theirs = f"/connections/{a_connection(an_account())}"
    assert api.get(theirs).status_code == 404
    assert api.patch(theirs, {"enabled": False}).status_code == 404
    assert api.delete(theirs).status_code == 404
    assert api.all("/connections") == []
    assert row(Connection).enabled
