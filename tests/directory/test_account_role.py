"""The one role on the account that a provider gives a user directly."""

from __future__ import annotations

import pytest

from app.directory import account_role, grants
from app.directory.errors import Forbidden, Invalid, LastMasterAdmin, NotFound
from app.directory.work import Actor, transaction
from app.store.models import Grant, User
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import audit, epoch, fingerprint, row, rows


def provider(*scopes: str) -> Actor:
    return Actor(type="token", name="okta", surface="scim", scopes=frozenset(scopes))


FULL, NO_ADMINS, NOTHING = provider("grants", "admins"), provider("grants"), provider("users")


@pytest.fixture
def ada(account) -> str:
    a_master_admin(account, "root")
    return a_user(account, "ada")


def assign(account_id: str, user_id: str, role: str | None, actor: Actor = FULL) -> bool:
    with transaction(account_id, actor) as work:
        return account_role.assign(work, user_id, role)


def roles_of(user_id: str) -> list[tuple[str, str]]:
    return sorted((each.origin, each.role_id) for each in rows(Grant, user_id=user_id))


def refused(error, call, *args):
    """See that a call is refused and writes nothing."""
    before = fingerprint()
    with pytest.raises(error):
        call(*args)
    assert fingerprint() == before


def test_a_role_is_given_changed_and_taken_back(account, ada):
    before = epoch(account)
    assert assign(account, ada, "reports")
    assert roles_of(ada) == [("scim", "reports")]
    assert assign(account, ada, "admin")
    assert roles_of(ada) == [("scim", "admin")]
    assert assign(account, ada, None)
    assert roles_of(ada) == []
    assert epoch(account) == before + 3
    events = audit(account, "grant.given", "grant.revoked")[1:]
    assert [(each.action, (each.after or each.before)["role_id"]) for each in events] == [
        ("grant.given", "reports"),
        ("grant.given", "admin"),
        ("grant.revoked", "reports"),
        ("grant.revoked", "admin"),
    ]
    assert {(each.target_id, each.target_name) for each in events} == {(ada, "ada")}


def test_each_change_is_a_change_of_the_user(account, ada):
    first = row(User, id=ada)
    assign(account, ada, "reports")
    second = row(User, id=ada)
    assert second.version == first.version + 1
    assert second.updated_at > first.updated_at
    assign(account, ada, None)
    assert row(User, id=ada).version == first.version + 2


@pytest.mark.parametrize("role", ["admin", "media_library_user", None])
def test_what_is_there_already_needs_no_scope_and_writes_nothing(account, ada, role):
    assign(account, ada, role)
    before = fingerprint()
    for actor in (FULL, NO_ADMINS, NOTHING):
        assert not assign(account, ada, role, actor)
    assert fingerprint() == before


def test_to_take_a_role_back_needs_what_giving_it_does(account, ada):
    assign(account, ada, "admin")
    for role in ("media_library_user", None):
        refused(Forbidden, assign, account, ada, role, NO_ADMINS)
    refused(Forbidden, assign, account, ada, "media_library_user", NOTHING)
    assign(account, ada, "media_library_user")
    refused(Forbidden, assign, account, ada, "admin", NO_ADMINS)
    refused(Forbidden, assign, account, ada, None, NOTHING)
    assert assign(account, ada, "media_library_admin", NO_ADMINS)
    assert assign(account, ada, None, NO_ADMINS)


def test_what_others_gave_stays(account, ada):
    a_grant(account, ada, "billing")
    a_grant(account, ada, "reports")
    a_group(account, "Auditors", members=[ada])
    a_mapping(account, "Auditors", "reports")
    assert assign(account, ada, "reports")
    assert roles_of(ada) == [("manual", "billing"), ("manual", "reports"), ("scim", "reports")]
    assert assign(account, ada, None)
    assert roles_of(ada) == [("manual", "billing"), ("manual", "reports")]
    assert row(Grant, origin="mapping").role_id == "reports"


def test_roles_on_folders_stay(account, ada):
    folder = a_folder(account)
    with transaction(account, FULL) as work:
        grants.give(work, a_principal(account, ada), "viewer", folder)
    assign(account, ada, "reports")
    assign(account, ada, None)
    assert roles_of(ada) == [("scim", "viewer")]


def test_of_several_one_is_left(account, ada):
    """They can be given one by one as grants; the oldest is the one a provider reads."""
    for role in ("reports", "billing"):
        with transaction(account, FULL) as work:
            grants.give(work, a_principal(account, ada), role)
    assert not assign(account, ada, "reports", NOTHING)
    assert assign(account, ada, "billing")
    assert roles_of(ada) == [("scim", "billing")]


def test_what_is_refused(account, ada):
    refused(NotFound, assign, account, ada, "no such role")
    refused(NotFound, assign, account, ada, "\0")
    refused(Invalid, assign, account, ada, "viewer")
    refused(NotFound, assign, account, "no such user", "reports")
    refused(NotFound, assign, account, a_user(an_account()), "reports")
    assert not assign(account, "no such user", None)


def test_the_last_master_admin_keeps_the_role(account):
    ada = a_user(account, "ada")
    assign(account, ada, "master_admin")
    for role in ("admin", None):
        with pytest.raises(LastMasterAdmin):
            assign(account, ada, role)
    assert roles_of(ada) == [("scim", "master_admin")]
    assert len(audit(account, "directory.refused")) == 2
    a_master_admin(account)
    assert assign(account, ada, "admin")
