"""``gatehouse connection``: options of SAML, metadata anew, the list."""

from __future__ import annotations

import pytest

from saml import setup
from tests.saml.provider import TestProvider


@pytest.fixture
def provider(tmp_path, monkeypatch):
    provider = TestProvider()
    pair = (provider.key, provider.certificate)
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: pair)
    (tmp_path / "metadata.xml").write_bytes(provider.metadata())
    return provider


@pytest.fixture
def acme(gatehouse, provider, tmp_path):
    gatehouse("account", "create", "Acme")
    path = str(tmp_path / "metadata.xml")
    gatehouse("connection", "add-saml", "Acme", "--metadata", path, "--name", "Okta")
    return gatehouse


def test_options_are_set_and_shown(acme):
    stands = acme("connection", "set", "Acme", "okta", "--json")["options"]
    assert (stands["allow_unsolicited"], stands["sign_requests"]) == (False, True)
    options = ("--allow-unsolicited", "--session-hours", "2", "--authn-context", "urn:a:b")
    acme("connection", "set", "Acme", "Okta", *options)
    stands = acme("connection", "set", "Acme", "Okta", "--no-sign-requests", "--json")["options"]
    assert (stands["allow_unsolicited"], stands["sign_requests"]) == (True, False)
    assert (stands["session_hours"], stands["authn_contexts"]) == (2, ["urn:a:b"])
    assert "landing: /" in acme("connection", "set", "Acme", "Okta").stdout


def test_what_cannot_be_is_one_line(acme):
    wrong = acme("connection", "set", "Acme", "Okta", "--landing", "//evil", exit_code=2)
    assert "a path of this site" in wrong.stderr
    unknown = acme("connection", "set", "Acme", "Nobody", exit_code=2)
    assert "SAML connection 'Nobody'" in unknown.stderr


def test_metadata_is_read_anew(acme, provider, tmp_path):
    path = str(tmp_path / "metadata.xml")
    renewed = acme("connection", "renew-metadata", "Acme", "Okta", "--metadata", path, "--json")
    assert renewed == {"entity_id": provider.entity_id, "certificates": 1}


def test_connections_are_listed(acme):
    acme("token", "create", "Acme", "--name", "t")
    kinds = {
        each["name"]: each["kind"]
        for each in acme("connection", "list", "Acme", "--json")["connections"]
    }
    assert kinds == {"Okta": "saml", "SCIM": "scim"}
