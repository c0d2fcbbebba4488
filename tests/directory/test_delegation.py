"""At most what you hold: people and tokens of the API try every way to more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.access.decisions import check
from app.access.permissions import ACCOUNT_ROLES, ACTIONS, FOLDER_ROLES
from app.directory import (
    clients,
    delegation,
    grants,
    groups,
    invitations,
    mappings,
    memberships,
    requiring_saml,
    roles,
    sessions,
    tokens,
    users,
)
from app.directory.errors import Forbidden
from app.directory.grants import Principal
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.database import db
from app.store.models import Grant, Session
from app.store.types import now
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import fingerprint, row, rows


def person(user_id: str) -> Actor:
    return Actor(type="user", id=user_id, name="ada", surface="console")


def token(*actions: str) -> Actor:
    return Actor(
        type="token", id="a token", name="scripts", surface="api", scopes=frozenset(actions)
    )


def refused(account_id: str, actor: Actor, write_it) -> None:
    """Assert that it is refused, and that nothing at all changes."""
    before = fingerprint()
    with pytest.raises(Forbidden), write(account_id, actor) as work:
        write_it(work)
    assert fingerprint() == before


def give(user_id: str, role: str, folder: str | None = None, **terms):
    return lambda work: grants.give(work, Principal("user", user_id, "bob"), role, folder, **terms)


@pytest.fixture
def admin(account) -> str:
    """An ``admin``: all but billing. Another one is the master admin."""
    a_master_admin(account)
    user_id = a_user(account)
    a_grant(account, user_id, "admin")
    return user_id


@pytest.mark.parametrize("role", ACCOUNT_ROLES)
def test_an_admin_gives_every_role_but_those_with_billing(account, admin, role):
    bob = a_user(account)
    if ACCOUNT_ROLES[role] <= ACCOUNT_ROLES["admin"]:
        with write(account, person(admin)) as work:
            give(bob, role)(work)
    else:
        refused(account, person(admin), give(bob, role))
        refused(account, person(admin), give(admin, role))


@pytest.mark.parametrize("role", FOLDER_ROLES)
def test_an_editor_gives_nothing_and_a_manager_everything_where_they_are(account, role):
    ada, bob = a_user(account), a_user(account)
    brand, press = a_folder(account), a_folder(account)
    inner = a_folder(account, parent=brand)
    board = a_folder(account, parent=brand, restricted=True)
    a_grant(account, ada, "editor", press)
    a_grant(account, ada, "manager", brand)
    for folder in (brand, inner):
        with write(account, person(ada)) as work:
            give(bob, role, folder)(work)
    for folder in (press, board):
        refused(account, person(ada), give(bob, role, folder))


def test_what_one_holds_later_or_held_once_does_not_count(account):
    bob = a_user(account)
    for terms in (
        {"not_before": now() + timedelta(hours=1)},
        {"expires_at": now() - timedelta(hours=1)},
    ):
        ada = a_user(account)
        a_grant(account, ada, "admin", **terms)
        refused(account, person(ada), give(bob, "reports"))


def test_a_custom_role_beyond_ones_own_is_not_given_made_or_changed(account, admin):
    boss = a_custom_role(account, "account", ["billing.manage"])
    refused(account, person(admin), give(a_user(account), boss))
    refused(
        account, person(admin), lambda work: roles.create(work, "account", "x", ["billing.view"])
    )
    refused(account, person(admin), lambda work: roles.replace(work, boss, "harmless", []))
    refused(account, person(admin), lambda work: roles.delete(work, boss))
    with write(account, person(admin)) as work:
        own = roles.create(work, "account", "helpdesk", ["user.view"])
    wider = ["user.view", "billing.view"]
    refused(account, person(admin), lambda work: roles.replace(work, own, "helpdesk", wider))


def test_nobody_takes_back_what_they_could_not_give(account, admin):
    (grant,) = rows(Grant, role_id="master_admin")
    refused(account, person(admin), lambda work: grants.revoke(work, grant.id))
    refused(account, person(admin), lambda work: grants.change(work, grant.id, reason="x"))


@pytest.mark.parametrize("nested", [False, True])
def test_no_group_brings_more_than_ones_own(account, admin, nested):
    inner = a_group(account)
    group = a_group(account, members=[inner])
    a_grant(account, group, "master_admin")
    member_of, renamed = inner if nested else group, GroupProfile("renamed")
    bob = a_user(account)
    for actor in (person(admin), token("group.manage", "user.view")):
        refused(account, actor, lambda work: memberships.add(work, member_of, [admin]))
        refused(account, actor, lambda work: memberships.set_members(work, member_of, [bob]))
        refused(account, actor, lambda work: groups.delete(work, member_of))
        refused(account, actor, lambda work: groups.replace(work, member_of, renamed))


def test_a_group_with_folders_needs_its_roles_there(account):
    brand, press = a_folder(account), a_folder(account)
    ada, bob, cyd, group = a_user(account), a_user(account), a_user(account), a_group(account)
    a_grant(account, ada, "manager", brand)
    a_grant(account, group, "editor", brand)
    with write(account, person(ada)) as work:
        memberships.add(work, group, [bob])
    a_grant(account, group, "viewer", press)
    refused(account, person(ada), lambda work: memberships.add(work, group, [cyd]))


def test_no_mapping_brings_more_than_ones_own(account, admin):
    made = a_mapping(account, "Bosses", "master_admin")
    a_mapping(account, "boss", "master_admin", match_by="role")
    actor = person(admin)
    refused(account, actor, lambda work: mappings.create(work, "Others", "master_admin"))
    refused(account, actor, lambda work: mappings.delete(work, made))
    group = a_group(account, "Harmless", members=[admin])
    refused(account, actor, lambda work: groups.replace(work, group, GroupProfile("Bosses")))
    as_boss = Profile("bob", values={"roles": [{"value": "boss"}]})
    refused(account, actor, lambda work: users.create(work, as_boss))
    refused(account, actor, lambda work: users.replace(work, admin, as_boss))


def test_nobody_becomes_who_may_do_more(account, admin):
    """By their address and a reset link, or by being the only one left."""
    boss = a_master_admin(account)
    mine = Profile("boss", values={"emails": [{"value": "mine@example.com"}]})
    for actor in (person(admin), token("user.manage", "user.view")):
        refused(account, actor, lambda work: users.replace(work, boss, mine))
        refused(account, actor, lambda work: users.set_active(work, boss, False))
        refused(account, actor, lambda work: users.delete(work, boss))


@pytest.mark.parametrize("later", ["not active", "begins tomorrow"])
def test_nobody_becomes_who_will_be_able_to_do_more(account, admin, later):
    """Their address would be set now, and used when they are back, or the day has come."""
    boss = a_user(account, "boss", active=later != "not active")
    begins = now() + timedelta(days=1) if later == "begins tomorrow" else None
    a_grant(account, boss, "master_admin", not_before=begins)
    mine = Profile("boss", values={"emails": [{"value": "mine@example.com"}]}, active=False)
    for actor in (person(admin), token("user.manage", "user.view")):
        refused(account, actor, lambda work: users.replace(work, boss, mine))
        refused(account, actor, lambda work: users.delete(work, boss))
    former = a_user(account)
    a_grant(account, former, "master_admin", expires_at=now() - timedelta(days=1))
    with write(account, person(admin)) as work:
        users.delete(work, former)


def test_a_mapping_makes_nobody_more_who_is_not_active_yet(account, admin):
    a_mapping(account, "boss", "master_admin", match_by="role")
    asleep = Profile("bob", values={"roles": [{"value": "boss"}]}, active=False)
    refused(account, person(admin), lambda work: users.create(work, asleep))


def test_one_changes_oneself(account):
    ada = a_user(account, "ada")
    a_grant(account, ada, "admin", not_before=now() + timedelta(days=1))
    with write(account, person(ada)) as work:
        users.replace(work, ada, Profile("ada", display_name="Ada"))


def test_nobody_signs_out_lets_in_or_becomes_who_may_do_more(account, admin):
    (boss,) = {each.user_id for each in rows(Grant, role_id="master_admin")}
    a_session(account, boss)
    session = row(Session, user_id=boss).id
    for write_it in (
        lambda work: sessions.revoke(work, session, reason="x"),
        lambda work: sessions.revoke_all(work, boss, reason="x"),
        lambda work: sessions.revoke_others(work, boss, "another", reason="x"),
        lambda work: sessions.create_link(work, boss, lifetime=timedelta(hours=1)),
        lambda work: invitations.create(work, boss, "invitation"),
        lambda work: invitations.create(work, boss, "reset"),
        lambda work: requiring_saml.set_break_glass(work, boss, True),
    ):
        refused(account, person(admin), write_it)
        with write(account, person(boss)) as work:
            write_it(work)
        with write(account):  # as it was, for the next one
            db.session.execute(update(Session).values(revoked_at=None))


def test_no_token_may_do_more_than_who_makes_it(account, admin):
    actor = person(admin)
    refused(account, actor, lambda work: tokens.create_for_api(work, "t", ACTIONS))
    with write(account, actor) as work:
        tokens.create_for_api(work, "t", ["user.view"])
    scim = a_connection(account)
    refused(account, actor, lambda work: tokens.create(work, scim, "t", ["users", "admins"]))
    with write(account, actor) as work:
        tokens.create(work, scim, "t", ["users", "groups"])
    refused(account, actor, lambda work: clients.create(work, scim, "c", ["users", "admins"]))
    with write(account) as work:
        clients.create(work, scim, "c", ["users", "admins"])
    refused(account, actor, lambda work: clients.rotate(work, "c"))


def test_what_is_taken_in_the_same_transaction_does_not_count(account):
    """Not even where a rule would let one take a part of it first."""
    ada = a_user(account)
    a_grant(account, ada, a_custom_role(account, "account", ["role.assign", "user.view"]))
    reader = a_custom_role(account, "account", ["user.view"])
    with pytest.raises(Forbidden), write(account, person(ada)) as work:
        give(ada, reader)(work)
        give(ada, "reports")(work)
    assert not check(account, ada, "audit.view", None).allowed


def test_a_master_admin_and_the_command_are_bound_by_nothing(account):
    boss, bob = a_master_admin(account), a_user(account)
    with write(account, person(boss)) as work:
        give(bob, "master_admin")(work)
        users.set_active(work, bob, False)
    with write(account) as work:
        users.delete(work, bob)


def test_a_token_whose_request_is_over_holds_what_it_has_by_then(account):
    """Such as that of an operation, which goes on in the background."""

    def held(token_id: str, account_id: str = account) -> frozenset[str] | None:
        actor = Actor(type="token", id=token_id, name="scripts", surface="api")
        with write(account_id, actor) as work:
            return delegation.held(work)

    connection = a_connection(account)
    with write(account) as work:
        live = tokens.create_for_api(work, "live", {"user.manage"}).id
        over = tokens.create_for_api(work, "over", {"user.manage"}, expires_at=work.at).id
        scim = tokens.create(work, connection, "okta", ["users"]).id
    assert held(live) == {"user.manage"}
    assert held(over) == held(scim) == held("none") == held(live, an_account("Other")) == set()
    with write(account) as work:
        tokens.revoke(work, live)
    assert held(live) == set()
