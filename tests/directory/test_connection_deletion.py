"""Deleting a connection: what stands in the way, what goes with it, what stays."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.directory import (
    clients,
    connection_deletion,
    connection_keys,
    connections,
    domains,
    groups,
    mappings,
    restoring,
    traces,
    users,
)
from app.directory.connection_deletion import delete_connection, dependents
from app.directory.errors import NotEmpty, NotFound
from app.directory.groups import GroupProfile
from app.directory.sessions import AtProvider
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.database import db
from app.store.models import (
    Connection,
    ConnectionKey,
    Grant,
    Group,
    OAuthClient,
    SamlTrace,
    Session,
    Token,
    User,
)
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_folder,
    a_grant,
    a_mapping,
    a_session,
    a_token,
    a_user,
    an_account,
)
from tests.inspection import audit, fingerprint, row, rows, statements


def provider_of(connection: str, surface: str = "scim") -> Actor:
    return Actor(
        type="connection", id=connection, name="Okta", surface=surface, connection_id=connection
    )


def delete(account: str, connection: str) -> connection_deletion.Dependents:
    with write(account) as work:
        return delete_connection(work, connection)


def out_of_use(account: str, connection: str) -> None:
    with write(account) as work:
        connections.set_enabled(work, connection, False)


def refused(account: str, connection: str, because: str) -> None:
    before = fingerprint()
    with pytest.raises(NotEmpty, match=because):
        delete(account, connection)
    assert fingerprint() == before


def test_what_is_decided_by_it_stands_in_the_way(account):
    okta, other = a_connection(account, "saml", "Okta"), a_connection(account, "saml", "Other")
    mapping = a_mapping(account, "Designers", "reports", connection_id=okta)
    a_mapping(account, "Anybody", "reports")
    with write(account) as work:
        domains.add(work, "example.com", okta)
    refused(account, okta, "Okta cannot be deleted yet. Take it out of use first.")
    out_of_use(account, okta)
    refused(account, okta, "domains first: 1")
    with write(account) as work:
        domains.move(work, "example.com", other)
    refused(account, okta, "mappings that count for it alone first: 1")
    with write(account) as work:
        mappings.delete(work, mapping)
    delete(account, okta)
    assert [each.id for each in rows(Connection)] == [other]


def test_people_and_groups_stay_with_all_they_hold(account):
    okta = a_connection(account, name="Okta")
    with write(account, provider_of(okta)) as work:
        bob = users.create(work, Profile("bob"))
        designers = groups.create(work, GroupProfile("Designers"))
    brand = a_folder(account)
    a_grant(account, bob, "viewer", brand)
    a_grant(account, designers, "editor", brand)
    out_of_use(account, okta)
    was = delete(account, okta)
    assert (was.users, was.groups) == (1, 1)
    for table, id_ in ((User, bob), (Group, designers)):
        kept = row(table, id=id_)
        assert (kept.connection_id, kept.origin) == (None, "scim")
    assert row(User, id=bob).active and len(rows(Grant, folder_id=brand)) == 2
    (event,) = audit(account, "connection.deleted")
    assert (event.target_id, event.target_name) == (okta, "Okta")
    assert event.before == {"kind": "scim", "settings": {}, "users": 1, "groups": 1}


def test_its_credentials_keys_and_sessions_go_with_it(account):
    okta = a_connection(account, "saml", "Okta")
    ada = a_user(account)
    with write(account, provider_of(okta, "saml")) as work:
        connection_keys.add(work, okta, "current", "certificate", "sealed")
        client = clients.create(work, okta, "Entra", ["users"])
    token, kept = a_token(account, okta), a_token(account)
    out_of_use(account, okta)
    # Opened by a sign-in that was under way while it was taken out of use.
    a_session(account, ada, at_provider=AtProvider(okta, "ada"))
    traces.keep(
        account,
        provider_of(okta, "saml"),
        "refused",
        {"checks": [], "name_id": None, "attributes": {}},
    )
    delete(account, okta)
    assert [each.id for each in rows(Token)] == [kept.id]
    for table in (ConnectionKey, OAuthClient, Session, SamlTrace):
        assert rows(table) == []
    gone = {each.action: each.target_id for each in audit(account)[-4:]}
    assert gone == {
        "session.revoked": ada,
        "token.revoked": token.id,
        "client.revoked": client.id,
        "connection.deleted": okta,
    }
    assert audit(account, "session.revoked")[-1].after == {"reason": "connection deleted"}


def test_somebody_deleted_who_came_through_it_can_come_back(account):
    okta = a_connection(account)
    with write(account, provider_of(okta)) as work:
        bob = users.create(work, Profile("bob"))
        users.delete(work, bob)
    out_of_use(account, okta)
    delete(account, okta)
    with write(account) as work:
        restoring.restore(work, bob)
    assert row(User, id=bob).connection_id is None


def test_what_there_is_of_it_is_told_in_one_statement(account):
    okta = a_connection(account)
    a_token(account, okta)
    with statements() as seen:
        found = dependents(account, okta)
    assert len(seen) == 1
    assert (found.enabled, found.tokens, found.clients, found.users) == (True, 1, 0, 0)
    assert found.in_the_way() == "Take it out of use first."
    with write(account):
        db.session.execute(update(Connection).values(enabled=False))
    assert dependents(account, okta).in_the_way() is None


def test_connections_of_another_account_are_not_found(account):
    okta = a_connection(account)
    out_of_use(account, okta)
    other = an_account()
    for id_ in (okta, "nothing", "\0"):
        with pytest.raises(NotFound):
            delete(other, id_)
    assert row(Connection).id == okta
