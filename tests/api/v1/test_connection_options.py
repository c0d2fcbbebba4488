"""``/api/v1/connections/…/options``."""

from __future__ import annotations

import pytest

from app.store.models import Connection
from saml import setup
from saml.keys import new_key_pair
from saml.options import Options
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_connection, a_custom_role, an_account
from tests.inspection import audit, row
from tests.saml.provider import TestProvider

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
GIVES = {"accountRole": "role", "folders": "folders"}


@pytest.fixture(scope="module")
def keys() -> tuple[TestProvider, tuple[str, str]]:
    return TestProvider(), new_key_pair("Gatehouse")


@pytest.fixture
def connect(keys, monkeypatch):
    """Connect an account to a SAML provider, and return the path of the options."""
    provider, own_pair = keys
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: own_pair)

    def connected(account_id: str) -> str:
        with write(account_id) as work:
            described = setup.from_metadata(provider.metadata())
            return f"/connections/{setup.register(work, 'IdP', described)}/options"

    return connected


@pytest.fixture
def path(account, connect) -> str:
    return connect(account)


def test_each_has_its_safe_default(api, path):
    assert api.get(path).json == Options().as_settings() | {"metadata_url": ""}


def test_what_is_given_is_changed_and_written_down(account, api, path):
    wanted = {
        "allow_unsolicited": True,
        "authn_contexts": [PASSWORD],
        "provisioning": "update",
        "attribute_names": GIVES | {"email": "mail"},
        "may_give": ["Reports", "viewer"],
        "session_hours": 8,
        "landing": "/folders",
        "metadata_url": "https://idp.example/metadata",
    }
    changed = api.patch(path, wanted)
    assert changed.status_code == 200
    assert changed.json == api.get(path).json
    assert changed.json == Options().as_settings() | wanted | {"may_give": ["reports", "viewer"]}
    (event,) = audit(account, "connection.updated")
    before, after = (each["settings"]["session_hours"] for each in (event.before, event.after))
    assert (before, after) == (0, 8)
    assert api.patch(path, {}).status_code == 200
    assert api.patch(path, {"session_hours": 8}).status_code == 200
    assert len(audit(account, "connection.updated")) == 1, "nothing has changed"
    settings = row(Connection).settings
    assert settings["entity_id"] and settings["certificates"], "the provider stays as it is"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("landing", "//evil.example"),
        ("session_hours", -1),
        ("session_hours", 10**6),
        ("clock_skew_seconds", 601),
        ("clock_skew_seconds", "many"),
        ("provisioning", "always"),
        ("name_id_format", "urn:mine"),
        ("authn_contexts", ["not a URI"]),
        ("second_factor_contexts", ["urn:a:\0"]),
        ("attribute_names", {"shoeSize": "x"}),
        ("attribute_names", {"email": ""}),
        ("attribute_names", GIVES),
        ("may_give", ["dancer"]),
        ("metadata_url", "http://idp.example/metadata"),
        ("metadata_url", "https://idp.example/\ud800"),
        ("metadata_url", "https://idp.example/" + "x" * 2000),
        ("shoe_size", 43),
    ],
)
def test_what_cannot_be_is_refused(account, api, path, field, value):
    assert api.patch(path, {field: value}).status_code == 422
    assert audit(account, "connection.updated") == []


def test_nobody_lets_a_role_be_given_that_they_do_not_hold(app, account, api, path):
    role = a_custom_role(account, "account", {"billing.manage", "user.view"})
    reader = a_custom_role(account, "folder", {"folder.view"})
    technical = Api(
        app, an_api_token(account, {"connection.manage", "folder.view", "folder.share"})
    )
    for wanted in ([role], ["master_admin"], [reader, role], ["viewer"]):
        refused = technical.patch(path, {"may_give": wanted})
        assert refused.status_code == 403 and "You lack" in refused.json["detail"]
    assert technical.patch(path, {"may_give": [reader]}).status_code == 200
    assert api.patch(path, {"may_give": [reader, role]}).status_code == 200
    # What is there already may stay, and not be taken out.
    assert technical.patch(path, {"may_give": [role]}).status_code == 200
    assert technical.patch(path, {"may_give": []}).status_code == 403


def test_a_dry_run_changes_nothing(account, api, path):
    told = api.patch(path, {"force_authn": True}, Prefer="dry-run").json
    assert told["answer"]["force_authn"] is True
    assert [each["action"] for each in told["changes"]] == ["connection.updated"]
    assert api.get(path).json["force_authn"] is False


def test_a_connection_of_scim_or_of_another_account_has_none(account, api, connect):
    theirs = connect(an_account("Theirs"))
    for path in (f"/connections/{a_connection(account)}/options", theirs):
        assert api.get(path).status_code == 404
        assert api.patch(path, {"force_authn": True}).status_code == 404
    assert api.get("/connections/IdP/options").status_code == 404


def test_who_may(app, account, path):
    viewer = Api(app, an_api_token(account, {"connection.view"}))
    assert viewer.get(path).status_code == 200
    assert viewer.patch(path, {"force_authn": True}).status_code == 403
    assert Api(app, an_api_token(account, {"user.view"})).get(path).status_code == 403
