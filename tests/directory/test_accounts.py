"""Accounts, and the roles they are born with."""

from __future__ import annotations

import pytest

from app.access.permissions import ACCOUNT_ROLES, FOLDER_ROLES
from app.directory import accounts, roles
from app.directory.errors import Invalid, NotFound, Taken
from app.store.models import Account, Role
from tests.conftest import write
from tests.factories import a_custom_role, an_account
from tests.inspection import audit, fingerprint, row, rows


def test_none_exists_before_the_first(app):
    assert not accounts.any_exists()
    an_account()
    assert accounts.any_exists()


def test_an_account_is_found_by_name_in_any_case_or_by_id(account):
    assert accounts.find("ACME") == accounts.find("acme") == accounts.find(account) == account
    for name in ("Acme Ltd", "\0", "\ud800", ""):
        with pytest.raises(NotFound):
            accounts.find(name)


def test_names_are_unique_in_any_case(account):
    before = fingerprint()
    with pytest.raises(Taken):
        an_account("ACME")
    assert fingerprint() == before


@pytest.mark.parametrize("name", [" ", "x" * 257, "\0", "\ud800", "\ufb2c" * 256])
def test_a_bad_name_is_invalid(app, name):
    with pytest.raises(Invalid):
        an_account(name)
    assert not accounts.any_exists()


def test_it_is_born_with_the_built_in_roles(account):
    stored = {(each.scope, each.id, each.built_in) for each in rows(Role, account_id=account)}
    expected = {("account", name, True) for name in ACCOUNT_ROLES}
    assert stored == expected | {("folder", name, True) for name in FOLDER_ROLES}


def test_creation_is_audited(account):
    event, *others = audit(account)
    assert [each.action for each in others] == ["folder.created"]  # the root
    assert (event.action, event.target_name, event.after) == (
        "account.created",
        "Acme",
        {"name": "Acme"},
    )


def test_a_role_is_found_by_id_or_by_name_in_any_case(account):
    assert roles.find(account, "folder", "Editor") == "editor"
    assert roles.find(account, "account", "MASTER_ADMIN") == "master_admin"
    custom = a_custom_role(account, "folder", ["folder.view"])
    assert roles.find(account, "folder", custom) == custom
    other = an_account()
    for scope, name in (("folder", "admin"), ("account", "editor"), ("folder", "\0")):
        with pytest.raises(Invalid, match="There are: "):
            roles.find(account, scope, name)
    with pytest.raises(Invalid):
        roles.find(other, "folder", custom)


def test_an_account_keeps_or_ignores_unknown_attributes(account):
    def choose(keeps):
        with write(account) as work:
            return accounts.set_keeps_unknown(work, keeps)

    assert row(Account).keeps_unknown is False
    assert choose(True) and not choose(True)
    assert (row(Account).keeps_unknown, row(Account).scim_epoch) == (True, 0)
    (event,) = audit(account, "account.updated")
    assert (event.target_id, event.target_name) == (account, "Acme")
    assert (event.before, event.after) == ({"keeps_unknown": False}, {"keeps_unknown": True})
    assert choose(False)
    assert (row(Account).keeps_unknown, row(Account).scim_epoch) == (False, 0)
