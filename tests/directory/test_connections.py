"""Connections: one identity provider's set-up each."""

from __future__ import annotations

import pytest

from app.directory import connections
from app.directory.errors import Invalid, NotFound, Taken
from app.store.models import Connection
from tests.conftest import write
from tests.factories import a_connection, an_account
from tests.inspection import audit, fingerprint, row


def replace_settings(account_id: str, connection_id: str, settings: dict) -> None:
    with write(account_id) as work:
        connections.replace_settings(work, connection_id, settings)


def test_a_new_connection_is_stored_and_audited(account):
    saml = a_connection(account, "saml", "Okta")
    connection = row(Connection)
    assert (connection.id, connection.kind, connection.name) == (saml, "saml", "Okta")
    assert connection.enabled
    (event,) = audit(account, "connection.created")
    assert (event.target_id, event.after) == (saml, {"kind": "saml", "settings": {}})


def test_names_are_unique_in_any_case(account):
    a_connection(account, "saml", "Okta")
    before = fingerprint()
    for kind in ("saml", "scim"):
        with pytest.raises(Taken):
            a_connection(account, kind, "OKTA")
    assert fingerprint() == before
    a_connection(an_account(), "saml", "Okta")


def test_a_scim_connection_is_found_again(account):
    with write(account) as work:
        okta = connections.find_or_create_scim(work, "Okta")
        assert connections.find_or_create_scim(work, "OKTA") == okta


def test_a_connection_is_found_by_its_name_in_any_case(account):
    okta = a_connection(account, name="Okta")
    a_connection(an_account(), name="Theirs")
    assert connections.find(account, "OKTA") == okta
    for name in ("Theirs", "", "\0"):
        with pytest.raises(NotFound):
            connections.find(account, name)


def test_whoever_names_none_is_told_which_there_are(account, monkeypatch):
    with pytest.raises(NotFound, match=r"^There is no connection 'okta'\.$"):
        connections.find(account, "okta")
    for name in ("Azure", "Google", "Ping"):
        a_connection(account, name=name)
    with pytest.raises(NotFound, match=r"Those there are: Azure, Google, Ping\.$"):
        connections.find(account, "okta")
    monkeypatch.setattr(connections, "NAMES_SHOWN", 2)
    with pytest.raises(NotFound, match=r"Those there are: Azure, Google, and 1 more\.$"):
        connections.find(account, "okta")


def test_a_connection_is_renamed(account):
    okta = a_connection(account, "saml", "Okta")
    a_connection(account, name="Entra")

    def rename(name: str, connection_id: str = okta) -> bool:
        with write(account) as work:
            return connections.rename(work, connection_id, name)

    assert rename(" Okta sign-in ") and not rename("Okta sign-in")
    assert connections.find(account, "OKTA SIGN-IN") == connections.find(account, okta) == okta
    (event,) = audit(account, "connection.updated")
    assert (event.before, event.after) == ({"name": "Okta"}, {"name": "Okta sign-in"})
    assert rename("OKTA SIGN-IN"), "the same name in another case"
    stranger = a_connection(an_account("Other"))
    before = fingerprint()
    for name, error in (("entra", Taken), (" ", Invalid), ("x" * 257, Invalid)):
        with pytest.raises(error):
            rename(name)
    for connection_id in (stranger, "nothing"):
        with pytest.raises(NotFound):
            rename("Mine", connection_id)
    assert fingerprint() == before


def test_what_is_out_of_bounds_is_invalid(account):
    with pytest.raises(Invalid):
        a_connection(account, "ldap")
    for name in (" ", "x\0", "x" * 257, "\ufb2c" * 256):
        with pytest.raises(Invalid):
            a_connection(account, "scim", name)


def test_new_settings_are_audited(account):
    saml = a_connection(account, "saml")
    replace_settings(account, saml, {"entity_id": "a"})
    (event,) = audit(account, "connection.updated")
    assert (event.before, event.after) == ({"settings": {}}, {"settings": {"entity_id": "a"}})
    before = fingerprint()
    replace_settings(account, saml, {"entity_id": "a"})
    assert fingerprint() == before


def test_connections_of_another_account_are_not_found(account):
    stranger = a_connection(an_account(), "saml")
    before = fingerprint()
    for connection_id in (stranger, "no such id", "\0"):
        with pytest.raises(NotFound):
            replace_settings(account, connection_id, {"entity_id": "a"})
    assert fingerprint() == before


def test_an_id_names_its_own_connection_whatever_another_is_called(account):
    okta = a_connection(account, name="Okta")
    a_connection(account, name=okta)
    assert connections.find(account, okta) == okta
