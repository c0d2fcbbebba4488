"""Grants changed and taken back: the terms that can change, by whom, and what the audit says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.access.decisions import check
from app.directory import grants, groups, memberships
from app.directory.errors import Forbidden, Invalid, LastMasterAdmin, NotFound, VersionMismatch
from app.directory.grants import Principal
from app.directory.groups import GroupProfile
from app.directory.work import Actor, transaction
from app.security.tokens import SCOPES
from app.store.models import Grant
from app.store.types import now
from tests.conftest import CLI_ACTOR, write
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows

MINUTE = timedelta(minutes=1)


def provider(*scopes: str, surface: str = "scim") -> Actor:
    return Actor(type="token", name="okta", surface=surface, scopes=frozenset(scopes))


SCIM = provider(*SCOPES)


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def folder(account) -> str:
    return a_folder(account, "Brand")


def give(account_id: str, to: str, role: str, folder_id=None, *, actor=SCIM, **terms):
    with transaction(account_id, actor) as work:
        return grants.give(work, a_principal(account_id, to), role, folder_id, **terms)


def change(account_id: str, grant_id: str, *, actor=SCIM, version=None, **terms) -> bool:
    with transaction(account_id, actor) as work:
        return grants.change(work, grant_id, expected_version=version, **terms)


def revoke(account_id: str, grant_id: str, *, actor=SCIM, version=None) -> None:
    with transaction(account_id, actor) as work:
        grants.revoke(work, grant_id, expected_version=version)


def refused(error, call, *args, **options):
    """See that a call is refused and writes nothing."""
    before = fingerprint()
    with pytest.raises(error) as raised:
        call(*args, **options)
    assert fingerprint() == before
    return raised.value


# -- Terms --------------------------------------------------------------------


def test_what_is_given_says_whether_it_is_new(account, ada, folder):
    first = give(account, ada, "viewer", folder, reason="asked", external_id="g1")
    assert first == grants.Given(row(Grant).id, True)
    before = fingerprint()
    for terms in ({}, {"reason": "asked"}, {"external_id": "g1"}):
        assert give(account, ada, "viewer", folder, **terms) == grants.Given(first.id, False)
    assert fingerprint() == before


def test_given_again_it_takes_what_is_said_and_keeps_the_rest(account, ada, folder):
    end = now() + MINUTE
    given = give(account, ada, "viewer", folder, reason="asked", external_id="g1")
    assert give(account, ada, "viewer", folder, external_id="g2") == given
    assert give(account, ada, "viewer", folder, expires_at=end) == given
    stored = row(Grant)
    assert (stored.reason, stored.external_id, stored.expires_at) == ("asked", "g2", end)
    assert stored.version == 3


def test_new_terms_are_stored_and_audited(account, ada, folder):
    grant_id = give(account, ada, "viewer", folder).id
    assert row(Grant).updated_at is None
    before, end = epoch(account), now() + MINUTE
    assert change(account, grant_id, reason="campaign", expires_at=end, external_id="g1")
    stored = row(Grant)
    assert (stored.reason, stored.not_before, stored.expires_at) == ("campaign", None, end)
    assert (stored.external_id, stored.version, stored.granted_by) == ("g1", 2, "okta")
    assert stored.updated_at >= stored.created_at
    (event,) = audit(account, "grant.changed")
    assert (event.target_type, event.target_id, event.target_name) == ("user", ada, "ada")
    same = {
        "id": grant_id,
        "role_id": "viewer",
        "folder_id": folder,
        "origin": "scim",
        "mapping_id": None,
        "granted_by": "okta",
    }
    assert event.before == same | {"reason": ""}
    new = {"reason": "campaign", "expires_at": end.isoformat(), "external_id": "g1"}
    assert event.after == same | new
    assert outgoing(account)[-1] == "grant.changed"
    assert epoch(account) == before + 1


def test_terms_left_out_are_cleared(account, ada, folder):
    end = now() + MINUTE
    grant_id = give(account, ada, "viewer", folder, reason="x", expires_at=end, external_id="g").id
    assert change(account, grant_id)
    stored = row(Grant)
    assert (stored.reason, stored.expires_at, stored.external_id) == ("", None, None)


def test_only_a_period_changes_who_may_do_what(account, ada, folder):
    grant_id = give(account, ada, "viewer", folder).id
    before = epoch(account)
    assert change(account, grant_id, reason="campaign", external_id="g1")
    assert epoch(account) == before
    (event,) = audit(account, "grant.changed")
    assert event.after["external_id"] == "g1"
    assert change(account, grant_id, expires_at=now() - MINUTE)
    assert epoch(account) == before + 1
    assert not check(account, ada, "folder.view", folder).allowed


def test_the_same_terms_write_nothing(account, ada, folder):
    end = now() + MINUTE
    grant_id = give(account, ada, "viewer", folder, reason="x", expires_at=end).id
    before = fingerprint()
    assert not change(account, grant_id, reason="x", expires_at=end)
    assert fingerprint() == before


@pytest.mark.parametrize(
    "terms",
    [
        {"reason": "x" * 1025},
        {"reason": "\0"},
        {"external_id": "x" * 257},
        {"external_id": "\ud800"},
        {"expires_at": datetime(2030, 1, 1)},
        {"not_before": datetime(2030, 1, 1)},
        {"not_before": now(), "expires_at": now() - MINUTE},
    ],
)
def test_what_is_out_of_bounds_is_invalid(account, ada, folder, terms):
    grant_id = give(account, ada, "viewer", folder).id
    refused(Invalid, change, account, grant_id, **terms)
    refused(Invalid, give, account, ada, "editor", folder, **terms)


def test_an_older_version_is_not_written(account, ada, folder):
    grant_id = give(account, ada, "viewer", folder).id
    assert change(account, grant_id, version=1, reason="x")
    refused(VersionMismatch, change, account, grant_id, version=1, reason="y")
    refused(VersionMismatch, revoke, account, grant_id, version=1)
    revoke(account, grant_id, version=2)
    assert rows(Grant) == []


def test_what_the_account_has_not_is_not_found(account):
    other = an_account()
    theirs = give(other, a_user(other), "viewer", a_folder(other)).id
    for stranger in (theirs, "no such id", "\0", "\ud800", ""):
        refused(NotFound, change, account, stranger)
        refused(NotFound, revoke, account, stranger)


def test_what_is_taken_back_says_whose_it_was(account, folder):
    group = a_group(account, "Designers")
    revoke(account, give(account, group, "viewer", folder, external_id="g1").id)
    (event,) = audit(account, "grant.revoked")
    assert (event.target_type, event.target_id, event.target_name) == ("group", group, "Designers")
    assert (event.before["external_id"], event.after) == ("g1", None)


def test_the_last_master_admin_stays_one(account, ada):
    grant_id = give(account, ada, "master_admin").id
    audited = fingerprint()["audit_events"][0]
    for call in (
        lambda: change(account, grant_id, expires_at=now() - MINUTE),
        lambda: give(account, ada, "master_admin", expires_at=now() - MINUTE),
        lambda: revoke(account, grant_id),
    ):
        with pytest.raises(LastMasterAdmin):
            call()
    assert row(Grant).version == 1
    assert [e.action for e in audit(account)][audited:] == ["directory.refused"] * 3
    assert change(account, grant_id, reason="of the house")
    a_master_admin(account)
    assert change(account, grant_id, expires_at=now() - MINUTE)


# -- Origin -------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["scim", "saml"])
def test_a_provider_leaves_alone_what_others_gave(account, ada, folder, surface):
    other = "saml" if surface == "scim" else "scim"
    give(account, ada, "viewer", folder, actor=provider(*SCOPES, surface=other))
    a_grant(account, ada, "viewer", folder)
    a_group(account, "Designers", members=[ada])
    a_mapping(account, "Designers", "viewer", folder)
    actor = provider(*SCOPES, surface=surface)
    for grant in rows(Grant):
        error = refused(Forbidden, change, account, grant.id, actor=actor, expires_at=now())
        assert f"origin is {grant.origin}, not {surface}:" in str(error)
        refused(Forbidden, revoke, account, grant.id, actor=actor)
    own = give(account, ada, "viewer", folder, actor=actor).id
    assert len(rows(Grant)) == 4
    revoke(account, own, actor=actor)
    assert {each.origin for each in rows(Grant)} == {"manual", "mapping", other}


@pytest.mark.parametrize("surface", ["cli", "console", "api"])
def test_an_administrator_changes_and_takes_back_any(account, ada, folder, surface):
    admin = Actor(type="user", name="root", surface=surface)
    give(account, ada, "viewer", folder)
    a_group(account, "Designers")
    a_mapping(account, "Designers", "viewer", folder)
    for grant in rows(Grant):
        assert change(account, grant.id, actor=admin, reason="kept")
        revoke(account, grant.id, actor=admin)
    assert rows(Grant) == []
    assert {each.actor_name for each in audit(account, "grant.revoked")} == {"root"}


# -- Delegation ---------------------------------------------------------------

NOBODY, GRANTS, ADMINS, ANYONE = (), ("grants",), ("grants", "admins"), None
FOLDER_AFFAIRS = ["viewer", "manager", "media_library_user", "media_library_admin"]
ACCOUNT_AFFAIRS = ["master_admin", "admin", "technical_admin", "billing", "reports"]


@pytest.mark.parametrize(
    ("scopes", "roles", "allowed"),
    [
        (NOBODY, FOLDER_AFFAIRS, False),
        (NOBODY, ACCOUNT_AFFAIRS, False),
        (("users", "groups", "folders", "admins"), ["viewer", "admin"], False),
        (GRANTS, FOLDER_AFFAIRS, True),
        (GRANTS, ACCOUNT_AFFAIRS, False),
        (ADMINS, FOLDER_AFFAIRS, True),
        (ADMINS, ACCOUNT_AFFAIRS, True),
        (ANYONE, FOLDER_AFFAIRS, True),
        (ANYONE, ACCOUNT_AFFAIRS, True),
    ],
)
def test_what_a_providers_token_may_give_change_and_take_back(account, ada, scopes, roles, allowed):
    brand = a_folder(account)
    a_master_admin(account)
    known = None if scopes is None else frozenset(scopes)
    actor = Actor(type="token", name="t", surface="scim", scopes=known)
    everything = Actor(type="token", name="t", surface="scim")
    for role in roles:
        where = brand if role in ("viewer", "manager") else None
        if allowed:
            grant_id = give(account, ada, role, where, actor=actor).id
            assert change(account, grant_id, actor=actor, reason="x")
            revoke(account, grant_id, actor=actor)
            continue
        refused(Forbidden, give, account, ada, role, where, actor=actor)
        grant_id = give(account, ada, role, where, actor=everything).id
        error = refused(Forbidden, change, account, grant_id, actor=actor, reason="x")
        assert role in str(error)
        refused(Forbidden, revoke, account, grant_id, actor=actor)


@pytest.mark.parametrize(
    ("scopes", "role", "missing"),
    [
        (NOBODY, "media_library_user", "the scope grants."),
        (NOBODY, "admin", "the scope admins and grants."),
        (GRANTS, "admin", "the scope admins."),
        (("admins",), "admin", "the scope grants."),
    ],
)
def test_a_refusal_names_the_scopes_that_are_missing(account, ada, scopes, role, missing):
    error = refused(Forbidden, give, account, ada, role, actor=provider(*scopes))
    assert str(error).endswith(missing)


@pytest.mark.parametrize(
    ("scope", "permissions", "needs_admins"),
    [
        ("account", ["folder.view", "asset.delete"], False),
        ("account", [], False),
        ("account", ["folder.view", "billing.view"], True),
        ("folder", ["folder.view", "user.manage"], False),  # on folders it permits no such thing
    ],
)
def test_a_custom_role_is_delegated_by_what_it_permits(
    account, ada, folder, scope, permissions, needs_admins
):
    role = a_custom_role(account, scope, permissions, name="Own")
    where = folder if scope == "folder" else None
    actor = provider(*GRANTS)
    if needs_admins:
        error = refused(Forbidden, give, account, ada, role, where, actor=actor)
        assert "Own" in str(error) and "admins" in str(error)
    else:
        assert give(account, ada, role, where, actor=actor).changed
    give(account, ada, role, where, actor=provider(*ADMINS))


def test_a_mapping_gives_whatever_the_token_may(account, ada):
    a_mapping(account, "Admins", "admin")
    with transaction(account, provider("groups")) as work:
        group = groups.create(work, GroupProfile("Admins"))
        memberships.add(work, group, [ada])
    assert (row(Grant).group_id, row(Grant).origin) == (group, "mapping")


# -- Who a grant is given to ----------------------------------------------------


def test_a_principal_is_found_by_its_id(account, ada):
    group = a_group(account, "Designers")
    user, team = Principal("user", ada, "ada"), Principal("group", group, "Designers")
    for type_ in (None, "user", "User", "USER"):
        assert grants.principal_with_id(account, ada, type_) == user
    for type_ in (None, "group", "Group"):
        assert grants.principal_with_id(account, group, type_) == team
    theirs = a_user(an_account())
    for id_, type_ in (
        (ada, "group"),
        (group, "user"),
        (ada, "robot"),
        (theirs, None),
        ("ada", None),
        ("\0", "user"),
        ("\ud800", None),
    ):
        with pytest.raises(NotFound):
            grants.principal_with_id(account, id_, type_)


def test_a_principal_that_has_gone_is_given_nothing(account, folder):
    for gone in (Principal("user", "gone", "x"), Principal("group", "gone", "x")):
        with pytest.raises(NotFound), write(account, CLI_ACTOR) as work:
            grants.give(work, gone, "viewer", folder)
