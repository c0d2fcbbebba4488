"""Requiring a second factor, counting the provider's, and resetting a lost one."""

from __future__ import annotations

import pytest

from app.directory import accounts
from app.store.models import Account, Role, TotpDevice
from tests.factories import a_user
from tests.inspection import row, rows
from tests.saml.provider import TestProvider
from tests.second_factors import a_totp


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    with gatehouse.app.app_context():
        yield gatehouse


def test_an_account_requires_one_and_no_more(acme):
    require = ("account", "require-second-factor", "acme", "--json")
    assert acme(*require) == {"requires_second_factor": True, "changed": True}
    assert acme(*require)["changed"] is False
    assert row(Account).requires_second_factor
    assert acme(*require, "--off") == {"requires_second_factor": False, "changed": True}
    assert not row(Account).requires_second_factor


def test_a_role_requires_one(acme):
    require = ("role", "require-second-factor", "Acme", "Admin")
    assert "needs a second factor" in acme(*require).stdout
    assert row(Role, id="admin").requires_second_factor
    assert acme(*require, "--off", "--scope", "account", "--json")["changed"] is True
    for wrong in (["nobody"], ["editor", "--scope", "account"]):
        refused = acme("role", "require-second-factor", "Acme", *wrong, exit_code=2)
        assert refused.stderr.count("\n") == 1 and "There is no" in refused.stderr


def test_a_lost_one_is_reset(acme):
    account_id = accounts.find("Acme")
    a_totp(account_id, a_user(account_id, "ada@example.com"))
    reset = ("user", "reset-second-factor", "Acme", "Ada@example.com")
    assert acme(*reset, "--reason", "phone lost", "--json")["removed"] == 1
    assert rows(TotpDevice) == []
    assert "had 0" in acme(*reset).stdout
    assert "no user" in acme("user", "reset-second-factor", "Acme", "x", exit_code=2).stderr


def test_what_counts_of_a_provider_is_set_and_taken_back(acme, tmp_path):
    (tmp_path / "metadata.xml").write_bytes(TestProvider().metadata())
    path = str(tmp_path / "metadata.xml")
    acme("connection", "add-saml", "Acme", "--metadata", path, "--name", "Okta")
    set_ = ("connection", "set", "Acme", "Okta", "--json", "--second-factor-context")
    stands = acme(*set_, "urn:a:b", "--second-factor-context", "urn:a:c")["options"]
    assert stands["second_factor_contexts"] == ["urn:a:b", "urn:a:c"]
    assert acme(*set_, "")["options"]["second_factor_contexts"] == []
    assert "URIs" in acme(*set_, "no uri", exit_code=2).stderr
