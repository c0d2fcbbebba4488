"""Mappings: a group named or numbered so gets the role, whenever it arrives."""

from __future__ import annotations

import pytest

from app.access.decisions import check
from app.directory import grants, groups, mappings
from app.directory.errors import Invalid, NotFound
from app.directory.groups import GroupProfile
from app.directory.work import Actor, transaction
from app.store.models import Grant, Mapping
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_user,
    an_account,
)
from tests.inspection import audit, epoch, fingerprint, row, rows
from tests.threads import at_once


def rename(account_id: str, group_id: str, name: str, external_id: str | None = None) -> None:
    with write(account_id) as work:
        groups.replace(work, group_id, GroupProfile(name, external_id))


def delete(account_id: str, mapping_id: str) -> None:
    with write(account_id) as work:
        mappings.delete(work, mapping_id)


@pytest.fixture
def folder(account) -> str:
    return a_folder(account, "Brand")


def test_a_group_that_is_there_gets_the_role_at_once(account, folder):
    ada = a_user(account)
    group = a_group(account, "Designers", members=[ada])
    a_group(account, "Others")
    before = epoch(account)
    mapping = a_mapping(account, "DESIGNERS", "editor", folder)
    grant = row(Grant)
    assert (grant.group_id, grant.role_id, grant.folder_id) == (group, "editor", folder)
    assert (grant.origin, grant.mapping_id) == ("mapping", mapping)
    assert check(account, ada, "asset.edit", folder).allowed
    assert epoch(account) == before + 1
    assert [e.action for e in audit(account)][-2:] == ["mapping.created", "grant.given"]


def test_a_mapping_waits_for_its_group(account, folder):
    a_mapping(account, "Designers", "editor", folder)
    assert rows(Grant) == []
    ada = a_user(account)
    a_group(account, "designers", members=[ada])
    assert check(account, ada, "asset.edit", folder).allowed


def test_a_group_and_its_mapping_made_at_the_same_time_meet(app, account, folder):
    outcomes = at_once(
        app,
        [
            (lambda name: a_group(account, name), "Designers"),
            (lambda name: a_mapping(account, name, "editor", folder), "Designers"),
        ],
    )
    assert outcomes == [None, None]
    assert len(rows(Grant)) == 1


def test_by_external_id_case_counts(account, folder):
    a_mapping(account, "Id-1", "editor", folder, match_by="external_id")
    a_group(account, "Id-1")
    a_group(account, external_id="id-1")
    assert rows(Grant) == []
    group = a_group(account, external_id="Id-1")
    assert row(Grant).group_id == group


def test_renamed_in_and_out(account, folder):
    group = a_group(account, "Interns")
    a_mapping(account, "Designers", "editor", folder)
    a_mapping(account, "Interns", "viewer", folder)
    assert row(Grant).role_id == "viewer"
    rename(account, group, "designers")
    assert row(Grant).role_id == "editor"
    rename(account, group, "Others")
    assert rows(Grant) == []
    assert len(audit(account, "grant.revoked")) == 2


def test_renamed_in_case_only_it_keeps_its_grant(account, folder):
    group = a_group(account, "Designers")
    a_mapping(account, "Designers", "editor", folder)
    grant = row(Grant)
    rename(account, group, "DESIGNERS")
    assert row(Grant) == grant


def test_a_new_external_id_counts_too(account, folder):
    group = a_group(account, "Designers")
    a_mapping(account, "42", "editor", folder, match_by="external_id")
    rename(account, group, "Designers", "42")
    assert row(Grant).group_id == group
    rename(account, group, "Designers", "43")
    assert rows(Grant) == []


def test_of_one_connection_only(account, folder):
    okta, entra = a_connection(account), a_connection(account)
    a_mapping(account, "Designers", "editor", folder, connection_id=okta)
    a_group(account, "Designers")
    for connection in (entra, okta):
        actor = Actor(type="token", name="t", surface="scim", connection_id=connection)
        with transaction(account, actor) as work:
            group = groups.create(work, GroupProfile("Designers"))
    assert row(Grant).group_id == group
    a_mapping(account, "Designers", "viewer", folder, connection_id=entra)
    assert len(rows(Grant)) == 2


def test_manual_and_mapped_grants_survive_each_other(account, folder):
    ada = a_user(account)
    group = a_group(account, "Designers", members=[ada])
    mapping = a_mapping(account, "Designers", "editor", folder)
    a_grant(account, group, "editor", folder)
    with write(account) as work:
        grants.revoke(work, row(Grant, origin="manual").id)
    assert row(Grant).origin == "mapping"
    a_grant(account, group, "editor", folder)
    delete(account, mapping)
    assert row(Grant).origin == "manual"
    assert check(account, ada, "asset.edit", folder).allowed


def test_two_mappings_to_the_same_role_survive_each_other(account, folder):
    a_group(account, "Designers", external_id="42")
    first = a_mapping(account, "Designers", "editor", folder)
    second = a_mapping(account, "42", "editor", folder, match_by="external_id")
    delete(account, first)
    assert row(Grant).mapping_id == second


@pytest.mark.parametrize("match_by", ["display_name", "external_id", "role", "entitlement"])
def test_what_is_said_again_is_the_same_mapping(account, folder, match_by):
    a_group(account, "Designers", external_id="Designers")
    for attribute in ("roles", "entitlements"):
        a_user(account, values={attribute: [{"value": "designers"}]})
    okta = a_connection(account)
    first = a_mapping(account, "Designers", "editor", folder, match_by=match_by)
    again = "Designers" if match_by == "external_id" else "DESIGNERS"
    before = fingerprint()
    assert a_mapping(account, again, "editor", folder, match_by=match_by) == first
    assert fingerprint() == before
    (grant,) = rows(Grant, mapping_id=first)
    with write(account) as work:
        grants.revoke(work, grant.id)
    # Who lost what it gives gets it again.
    assert a_mapping(account, "Designers", "editor", folder, match_by=match_by) == first
    (given,) = rows(Grant, mapping_id=first)
    assert (given.user_id, given.group_id) == (grant.user_id, grant.group_id)
    assert len(audit(account, "mapping.created")) == 1
    others = {
        a_mapping(account, "Designers", "editor", folder, match_by=match_by, connection_id=okta),
        a_mapping(account, "Designers", "viewer", folder, match_by=match_by),
        a_mapping(account, "Designers", "editor", a_folder(account), match_by=match_by),
        a_mapping(account, "Designers", "reports", match_by=match_by),
    }
    assert len(others | {first}) == 5
    assert a_mapping(account, "Designers", "reports", match_by=match_by) in others


def test_delete_takes_back_what_it_gave(account, folder):
    a_group(account, "Designers")
    a_group(account, "designers")
    mapping = a_mapping(account, "Designers", "editor", folder)
    assert len(rows(Grant)) == 2
    before = epoch(account)
    delete(account, mapping)
    assert rows(Grant) == rows(Mapping) == []
    assert epoch(account) == before + 1
    (event,) = audit(account, "mapping.deleted")
    assert event.before == {
        "match_by": "display_name",
        "match_value": "Designers",
        "role_id": "editor",
        "folder_id": folder,
        "connection_id": None,
    }


def test_what_is_out_of_bounds_is_invalid(account, folder):
    before = fingerprint()
    for match in ("", " ", "x" * 513, "\0", "\ud800", "\ufb2c" * 512):
        with pytest.raises(Invalid):
            a_mapping(account, match, "editor", folder)
    assert fingerprint() == before


def test_a_mapping_must_make_sense(account, folder):
    for role, where, options in (
        ("editor", None, {}),
        ("admin", folder, {}),
        ("editor", folder, {"match_by": "colour"}),
    ):
        with pytest.raises(Invalid):
            a_mapping(account, "x", role, where, **options)


def test_what_the_account_has_not_is_not_found(account, folder):
    other = an_account()
    theirs = a_mapping(other, "x", "editor", a_folder(other))
    their_folder, their_connection = a_folder(other), a_connection(other)
    before = fingerprint()
    for call in (
        lambda: a_mapping(account, "x", "editor", their_folder),
        lambda: a_mapping(account, "x", "no such role", folder),
        lambda: a_mapping(account, "x", "editor", folder, connection_id=their_connection),
        lambda: delete(account, theirs),
        lambda: delete(account, "\0"),
    ):
        with pytest.raises(NotFound):
            call()
    assert fingerprint() == before
