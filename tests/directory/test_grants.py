"""Grants: who holds which role where, from whom, for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.access.decisions import check
from app.directory import grants
from app.directory.errors import Invalid, NotFound
from app.directory.grants import Principal
from app.directory.work import Actor, transaction
from app.store.models import Grant
from app.store.types import now
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_principal, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows

SCIM = Actor(type="token", name="okta", surface="scim")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def folder(account) -> str:
    return a_folder(account, "Brand")


def may_view(account_id: str, user_id: str, folder_id: str) -> bool:
    return check(account_id, user_id, "folder.view", folder_id).allowed


def test_a_grant_is_stored_and_audited(account, ada, folder):
    before = epoch(account)
    expires = now() + MINUTE
    with write(account) as work:
        principal = grants.principal_named(account, "user", "ADA")
        assert grants.give(
            work, principal, "viewer", folder, reason="asked", expires_at=expires
        ).changed
    grant = row(Grant)
    assert (grant.user_id, grant.group_id, grant.role_id) == (ada, None, "viewer")
    assert (grant.folder_id, grant.origin, grant.granted_by) == (folder, "manual", "tests")
    assert (grant.reason, grant.not_before, grant.expires_at) == ("asked", None, expires)
    (event,) = audit(account, "grant.given")
    assert (event.target_type, event.target_id, event.target_name) == ("user", ada, "ada")
    assert event.before is None
    assert event.after == {
        "id": grant.id,
        "role_id": "viewer",
        "folder_id": folder,
        "origin": "manual",
        "mapping_id": None,
        "granted_by": "tests",
        "reason": "asked",
        "expires_at": expires.isoformat(),
    }
    assert outgoing(account)[-1] == "grant.given"
    assert epoch(account) == before + 1


def test_given_twice_it_is_one_grant(account, ada, folder):
    assert a_grant(account, ada, "viewer", folder)
    before = fingerprint()
    assert not a_grant(account, ada, "viewer", folder)
    assert fingerprint() == before


def test_each_role_folder_principal_and_origin_has_its_own(account, ada, folder):
    group = a_group(account)
    for to, role, where in [
        (ada, "viewer", folder),
        (ada, "editor", folder),
        (ada, "viewer", a_folder(account)),
        (ada, "reports", None),
        (group, "viewer", folder),
    ]:
        assert a_grant(account, to, role, where)
    with transaction(account, SCIM) as work:
        assert grants.give(work, a_principal(account, ada), "viewer", folder).changed
    assert len(rows(Grant)) == 6


def test_a_grant_that_has_ended_can_be_given_anew(account, ada, folder):
    a_grant(account, ada, "viewer", folder, expires_at=now() - MINUTE)
    assert not may_view(account, ada, folder)
    before = epoch(account)
    assert a_grant(account, ada, "viewer", folder)
    assert may_view(account, ada, folder)
    assert epoch(account) == before + 1
    (event,) = audit(account, "grant.changed")
    assert event.before["id"] == event.after["id"] == row(Grant).id
    assert "expires_at" in event.before
    assert "expires_at" not in event.after


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        (None, None, True),
        (-MINUTE, None, True),
        (None, MINUTE, True),
        (-MINUTE, MINUTE, True),
        (MINUTE, None, False),
        (None, -MINUTE, False),
        (MINUTE, 2 * MINUTE, False),
        (-2 * MINUTE, -MINUTE, False),
    ],
)
def test_a_grant_holds_in_its_period(account, ada, folder, start, end, holds):
    at = now()
    period = {"not_before": start and at + start, "expires_at": end and at + end}
    a_grant(account, ada, "viewer", folder, **period)
    assert may_view(account, ada, folder) is holds


def test_a_period_must_be_one(account, ada, folder):
    at = now()
    before = fingerprint()
    for period in (
        {"not_before": at, "expires_at": at},
        {"not_before": at + MINUTE, "expires_at": at},
        {"expires_at": datetime(2030, 1, 1)},
        {"not_before": datetime(2030, 1, 1)},
    ):
        with pytest.raises(Invalid):
            a_grant(account, ada, "viewer", folder, **period)
    assert fingerprint() == before


@pytest.mark.parametrize("role", ["viewer", "master_admin"])
def test_a_role_fits_where_it_is_given(account, ada, folder, role):
    with pytest.raises(Invalid):
        a_grant(account, ada, role, None if role == "viewer" else folder)


@pytest.mark.parametrize("reason", ["x" * 1025, "\0", "\ud800"])
def test_a_reason_is_bounded(account, ada, folder, reason):
    with pytest.raises(Invalid), write(account) as work:
        grants.give(work, a_principal(account, ada), "viewer", folder, reason=reason)


def test_what_the_account_has_not_is_not_found(account, ada, folder):
    other = an_account()
    theirs = {"user": a_user(other, "eve"), "group": a_group(other), "folder": a_folder(other)}
    a_grant(other, theirs["user"], "viewer", theirs["folder"])
    their_grant = row(Grant, account_id=other).id
    mine = a_principal(account, ada)
    before = fingerprint()
    with write(account) as work:
        for call in (
            lambda: grants.give(work, mine, "viewer", theirs["folder"]),
            lambda: grants.give(work, mine, "no such role", folder),
            lambda: grants.give(work, mine, "\0", folder),
            lambda: grants.give(work, Principal("user", theirs["user"], "eve"), "viewer", folder),
            lambda: grants.give(work, Principal("group", theirs["group"], "x"), "viewer", folder),
            lambda: grants.give(work, Principal("group", ada, "ada"), "viewer", folder),
            lambda: grants.revoke(work, their_grant),
            lambda: grants.revoke(work, "\0"),
            lambda: grants.principal_named(account, "user", "eve"),
            lambda: grants.principal_named(account, "user", theirs["user"]),
            lambda: grants.principal_named(account, "group", theirs["group"]),
            lambda: grants.principal_named(account, "user", "\ud800"),
        ):
            with pytest.raises(NotFound):
                call()
    assert fingerprint() == before


def test_a_principal_is_found_by_name_in_any_case_or_by_id(account, ada):
    group = a_group(account, "Designers")
    expected = Principal("user", ada, "ada"), Principal("group", group, "Designers")
    for user, team in (("ADA", "DESIGNERS"), (ada, group)):
        found = (
            grants.principal_named(account, "user", user),
            grants.principal_named(account, "group", team),
        )
        assert found == expected
    a_group(account, "designers")
    with pytest.raises(Invalid):
        grants.principal_named(account, "group", "Designers")


def test_revoke_ends_and_audits_it(account, ada, folder):
    a_grant(account, ada, "viewer", folder)
    grant = row(Grant)
    before = epoch(account)
    with write(account) as work:
        grants.revoke(work, grant.id)
    assert rows(Grant) == []
    assert not may_view(account, ada, folder)
    assert epoch(account) == before + 1
    (event,) = audit(account, "grant.revoked")
    assert (event.target_id, event.after) == (ada, None)
    assert event.before["role_id"] == "viewer"


def test_revoking_one_origin_leaves_the_other(account, ada, folder):
    with transaction(account, SCIM) as work:
        grants.give(work, a_principal(account, ada), "viewer", folder)
    a_grant(account, ada, "viewer", folder)
    with write(account) as work:
        grants.revoke(work, row(Grant, origin="scim").id)
    assert row(Grant).origin == "manual"
    assert may_view(account, ada, folder)
