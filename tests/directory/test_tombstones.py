"""What is deleted comes back with its id and all that still fits; after a while it is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.access.decisions import permissions_on
from app.directory import folders, grants, groups, memberships, restoring, tombstones, users
from app.directory.errors import Forbidden, LastMasterAdmin, NotFound, ParentGone, Taken
from app.directory.users import Profile
from app.directory.work import Actor
from app.jobs import run_due
from app.lists import trash
from app.store.database import db, write_transaction
from app.store.models import (
    Folder,
    Grant,
    Group,
    Job,
    Membership,
    NestedGroup,
    Session,
    Tombstone,
    User,
    UserValue,
)
from app.store.types import now
from tests.conftest import CLI_ACTOR, write
from tests.directory.test_audit_completeness import of_events, of_tables
from tests.factories import (
    HOUR,
    a_connection,
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_large_group,
    a_mapping,
    a_master_admin,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import audit, fingerprint, row, rows

TERMS = (
    *("id", "user_id", "group_id", "role_id", "folder_id"),
    *("expires_at", "reason", "granted_by"),
)
EMAILS = [{"value": "ada@example.com", "type": "work", "primary": True}]


def delete(account_id: str, id_: str, actor: Actor = CLI_ACTOR) -> None:
    with write(account_id, actor) as work:
        kind = next(
            module
            for module, table in ((users, User), (groups, Group), (folders, Folder))
            if db.session.get(table, (account_id, id_))
        )
        kind.delete(work, id_)


def restore(account_id: str, id_: str, actor: Actor = CLI_ACTOR) -> restoring.Restored:
    with write(account_id, actor) as work:
        return restoring.restore(work, id_)


def terms() -> list[tuple]:
    return sorted(
        tuple(getattr(each, name) for name in TERMS)
        for each in rows(Grant)
        if each.origin == "manual"
    )


# -- A user ---------------------------------------------------------------------


def test_a_user_comes_back_as_it_was(account):
    profile = {"attributes": {"title": "Ms"}, "values": {"emails": EMAILS}, "active": False}
    ada = a_user(account, "Ada", password="a password", external_id="x1", **profile)
    group, folder = a_group(account, members=[ada]), a_folder(account)
    a_grant(account, ada, "editor", folder, expires_at=now() + HOUR)
    a_grant(account, ada, "reports")
    before, held = row(User, id=ada), terms()
    delete(account, ada)
    assert rows(User) == rows(Grant) == []
    assert restore(account, ada).left_out == ()
    after = row(User, id=ada)
    kept = ("user_name", "user_name_key", "external_id", "attributes", "active", "created_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert [each.value for each in rows(UserValue)] == ["ada@example.com"]
    assert [each.group_id for each in rows(Membership)] == [group]
    assert terms() == held
    assert after.version == before.version + 1, "what a client knew is not it"
    assert of_events(account) == of_tables(account)


def test_it_has_no_password_and_no_session(account):
    ada = a_user(account, "ada", password="a password")
    a_session(account, ada)
    delete(account, ada)
    restore(account, ada)
    assert row(User, id=ada).password_hash is None
    assert rows(Session) == []


def test_grants_by_hand_that_a_provider_took_along_come_back(account):
    connection = a_connection(account)
    okta = Actor(type="token", name="okta", surface="scim", connection_id=connection)
    with write(account, okta) as work:
        ada = users.create(work, Profile("ada", values={"roles": [{"value": "editors"}]}))
        role = grants.principal_with_id(account, ada)
        grants.give(work, role, "reports")
    folder = a_folder(account)
    a_grant(account, ada, "viewer", folder)
    a_mapping(account, "editors", "editor", folder, match_by="role")
    delete(account, ada, okta)
    restore(account, ada)
    user = row(User, id=ada)
    assert (user.origin, user.connection_id) == ("scim", connection)
    held = sorted((each.origin, each.role_id) for each in rows(Grant))
    assert held == [("manual", "viewer"), ("mapping", "editor")], "the provider gives its own again"


def test_what_is_gone_is_left_out_and_told(account):
    ada, eve = a_user(account), a_user(account)
    kept, gone = a_group(account, members=[ada, eve]), a_group(account, members=[ada])
    here, there = a_folder(account), a_folder(account)
    role = a_custom_role(account, "folder", ["folder.view"])
    for role_id, folder in (("viewer", here), ("viewer", there), (role, here)):
        a_grant(account, ada, role_id, folder)
    for each in (ada, gone, there):
        delete(account, each)
    with write_transaction():
        db.session.execute(update(Grant).where(Grant.role_id == role).values(role_id="viewer"))
        db.session.execute(db.delete(db.metadata.tables["roles"]).where(_role_is(role)))
    assert restore(account, ada).left_out == (
        "grants whose role, folder or holder is gone: 2",
        "groups it was in: 1",
    )
    assert {each.group_id for each in rows(Membership, user_id=ada)} == {kept}
    assert [each.folder_id for each in rows(Grant)] == [here]
    (event,) = audit(account, "user.restored")
    assert len(event.after["left_out"]) == 2


def _role_is(role_id: str):
    return db.metadata.tables["roles"].c.id == role_id


def test_a_name_that_another_has_by_now_is_taken(account):
    ada = a_user(account, "ada")
    delete(account, ada)
    a_user(account, "ADA")
    before = fingerprint()
    with pytest.raises(Taken):
        restore(account, ada)
    assert fingerprint() == before, "it can still be brought back under that name"


# -- A group ----------------------------------------------------------------------


def test_a_group_comes_back_with_its_members(account):
    ada, inner = a_user(account), a_group(account)
    group = a_group(account, "Designers", members=[ada, inner], external_id="g1")
    outer, folder = a_group(account, members=[group]), a_folder(account)
    a_grant(account, group, "editor", folder)
    a_mapping(account, "designers", "viewer", folder)
    held, nested = terms(), rows(NestedGroup)
    delete(account, group)
    assert restore(account, group).left_out == ()
    assert row(Group, id=group).external_id == "g1"
    assert [each.user_id for each in rows(Membership, group_id=group)] == [ada]
    edges = {(each.group_id, each.member_id) for each in rows(NestedGroup)}
    assert (
        edges
        == {(each.group_id, each.member_id) for each in nested}
        == {
            (group, inner),
            (outer, group),
        }
    )
    assert terms() == held
    assert len(rows(Grant, origin="mapping")) == 1
    assert "asset.edit" in permissions_on(account, ada, folder)
    assert of_events(account) == of_tables(account)


def test_a_group_comes_not_back_into_itself(account):
    inner = a_group(account)
    group = a_group(account, members=[inner])
    outer = a_group(account, members=[group])
    delete(account, group)
    with write(account) as work:
        memberships.add(work, inner, [outer])
    assert restore(account, group).left_out == ("groups it was in: 1",)
    edges = {(each.group_id, each.member_id) for each in rows(NestedGroup)}
    assert edges == {(inner, outer), (group, inner)}


def test_of_many_members_so_many_are_kept(account, monkeypatch):
    monkeypatch.setattr(tombstones, "MEMBERS_KEPT", 5)
    group = a_large_group(account, 7)
    delete(account, group)
    assert restore(account, group).left_out == ("members beyond those that are kept: 2",)
    assert len(rows(Membership)) == 5


def test_members_that_are_gone_are_left_out(account):
    ada, eve = a_user(account), a_user(account)
    group = a_group(account, members=[ada, eve])
    delete(account, group)
    delete(account, ada)
    assert restore(account, group).left_out == ("members that are gone: 1",)
    assert restore(account, ada).left_out == (), "it was in no group when it was deleted"


# -- A folder ------------------------------------------------------------------------


def test_a_folder_comes_back_with_its_grants_and_mappings(account):
    ada, group = a_user(account), a_group(account, "Designers")
    folder = a_folder(account, "Brand", restricted=True)
    a_grant(account, ada, "editor", folder)
    a_mapping(account, "Designers", "viewer", folder)
    held, stored = terms(), row(Folder, id=folder)
    delete(account, folder)
    assert restore(account, folder).left_out == ()
    after = row(Folder, id=folder)
    assert (after.name, after.parent_id, after.restricted) == ("Brand", stored.parent_id, True)
    assert terms() == held
    assert [each.group_id for each in rows(Grant, origin="mapping")] == [group]
    assert "asset.edit" in permissions_on(account, ada, folder)
    assert of_events(account) == of_tables(account)


def test_first_comes_the_folder_in_which_it_lay(account):
    outer = a_folder(account, "Brand")
    inner = a_folder(account, "2026", parent=outer)
    delete(account, inner)
    delete(account, outer)
    with pytest.raises(ParentGone, match=f"Restore it first: {outer}"):
        restore(account, inner)
    restore(account, outer)
    restore(account, inner)
    assert folders.find_by_path(account, "/Brand/2026") == inner


def test_whoever_brings_a_restricted_folder_back_manages_it_once(account):
    admin = a_master_admin(account)
    person = Actor(type="user", id=admin, name="admin", surface="api")
    folder = a_folder(account, restricted=True)
    a_grant(account, admin, "manager", folder)
    delete(account, folder, person)
    restore(account, folder, person)
    assert len(rows(Grant, folder_id=folder)) == 1


# -- What can not be ---------------------------------------------------------------


def test_deleted_again_it_comes_back_again(account):
    ada = a_user(account, "ada")
    for _ in range(3):
        delete(account, ada)
        assert [each.id for each in rows(Tombstone)] == [ada]
        restore(account, ada)
        assert rows(Tombstone) == []


def test_what_was_not_deleted_or_not_here_is_not_found(account):
    ada, other = a_user(account), an_account()
    stranger = a_user(other)
    delete(other, stranger)
    before = fingerprint()
    for id_ in (ada, stranger, "no such id", "\0"):
        with pytest.raises(NotFound):
            restore(account, id_)
    assert fingerprint() == before


def test_the_last_master_admin_is_not_deleted_and_leaves_no_tombstone(account):
    admin = a_master_admin(account)
    with pytest.raises(LastMasterAdmin):
        delete(account, admin)
    assert rows(Tombstone) == []


def test_one_brings_back_at_most_what_one_holds(account):
    a_master_admin(account)
    powerful, helper = a_master_admin(account), a_user(account)
    a_grant(account, helper, "admin")
    delete(account, powerful)
    person = Actor(type="user", id=helper, name="helper", surface="api")
    with pytest.raises(Forbidden):
        restore(account, powerful, person)
    assert rows(User, id=powerful) == []
    restore(account, powerful)


def test_after_a_month_nothing_but_the_id_is_known(app, account):
    ada, eve = a_user(account, "ada"), a_user(account, "eve")
    delete(account, ada)
    delete(account, eve)
    with write_transaction():
        past = {"forget_at": now() - timedelta(seconds=1)}
        db.session.execute(update(Tombstone).where(Tombstone.id == ada).values(past))
    run_due(job for job in app.extensions["gatehouse_jobs"] if job.name == "old tombstones")
    assert row(Job, name="old tombstones").problem is None
    forgotten, kept = row(Tombstone, id=ada), row(Tombstone, id=eve)
    assert (forgotten.name, forgotten.content, forgotten.forget_at) == ("", None, None)
    assert (forgotten.type, forgotten.deleted_by) == ("user", "tests")
    assert kept.content["profile"]["user_name"] == "eve"
    assert kept.forget_at - kept.deleted_at == timedelta(days=30)
    with pytest.raises(NotFound):
        restore(account, ada)
    restore(account, eve)


def test_a_great_many_are_forgotten(account, monkeypatch):
    monkeypatch.setattr(tombstones, "FORGOTTEN_AT_ONCE", 2)
    monkeypatch.setattr(tombstones, "KEPT", -HOUR)
    for _ in range(5):
        delete(account, a_user(account))
    tombstones.forget_old()
    assert {each.content for each in rows(Tombstone)} == {None}


def test_they_are_listed_the_newest_first(account):
    deleted = [a_user(account), a_group(account), a_folder(account)]
    for each in deleted:
        delete(account, each)
    elsewhere = an_account()
    delete(elsewhere, a_user(elsewhere))
    first = trash.listed(account, limit=2)
    rest = trash.listed(account, limit=2, cursor=first.next)
    assert [each["id"] for each in first.items + rest.items] == deleted[::-1]
    assert [each["id"] for each in trash.listed(account, type_="group").items] == [deleted[1]]
    assert trash.one(account, deleted[0])["type"] == "user"
    assert trash.one(elsewhere, deleted[0]) is None
