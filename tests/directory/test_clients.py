"""OAuth clients: one of a name, ended whole, never another account's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import clients
from app.directory.errors import Invalid, NotFound, Taken
from app.security.clients import identify_client
from app.security.secrets import digest
from app.security.tokens import RefusedToken, TokenIdentity, identify
from app.store.database import db
from app.store.models import OAuthClient, Token
from app.store.types import now
from tests.conftest import write
from tests.factories import a_connection, a_token, an_account
from tests.inspection import audit, fingerprint, row, rows


def a_client(account_id, connection_id=None, name="okta", scopes=("users", "groups"), **options):
    connection_id = connection_id or a_connection(account_id)
    with write(account_id) as work:
        return clients.create(work, connection_id, name, scopes, **options)


def rotate(account_id, client, **options):
    with write(account_id) as work:
        return clients.rotate(work, client, **options)


def revoke(account_id, client):
    with write(account_id) as work:
        clients.revoke(work, client)


def live(client, *secrets) -> list[bool]:
    return [identify_client(client.id, each, None) is not None for each in secrets]


def test_a_client_proves_its_secret(account):
    connection = a_connection(account)
    client = a_client(account, connection, scopes=["users", "groups", "users"])
    found = identify_client(client.id, client.secret, "192.0.2.1")
    assert (found.account_id, found.connection_id, found.name) == (account, connection, "okta")
    assert found.scopes == {"users", "groups"}
    assert row(OAuthClient).hash == digest(client.secret)
    for secret in ("", "x", digest(client.secret), row(OAuthClient).hash, "\0", "\ud800"):
        assert identify_client(client.id, secret, None) is None
    assert identify_client("", "", None) is None


def test_rotation_leaves_two_live(account):
    first = a_client(account)
    second = rotate(account, "okta")
    assert live(first, first.secret, second.secret) == [True, True]
    assert row(OAuthClient).previous_expires_at - now() > timedelta(days=6)
    third = rotate(account, first.id)
    assert live(first, first.secret, second.secret, third.secret) == [False, True, True]
    fourth = rotate(account, "okta", overlap=timedelta(0))
    assert live(first, third.secret, fourth.secret) == [False, True]


def test_a_client_is_bound_to_its_networks_and_so_are_its_tokens(account):
    client = a_client(account, allowed=["10.0.0.0/8", "2001:db8::/32"])
    for address, allowed in {
        "10.1.2.3": True,
        "2001:db8::1": True,
        "11.0.0.1": False,
        None: False,
    }.items():
        assert (identify_client(client.id, client.secret, address) is not None) is allowed
    identity = identify_client(client.id, client.secret, "10.1.2.3")
    token = clients.issue_access_token(identity, ["users"])
    assert identify(token, "10.1.2.3").scopes == {"users"}
    assert isinstance(identify(token, "11.0.0.1"), RefusedToken)


def test_expired_tokens_are_swept_and_others_left_alone(account):
    connection = a_connection(account)
    ours, other = a_client(account, connection), a_client(account, connection, name="entra")
    kept = a_token(account, connection)
    for client in (ours, ours, other):
        clients.issue_access_token(identify_client(client.id, client.secret, None), ["users"])
    with write(account):
        gone = Token.__table__.update().where(Token.client_id == ours.id)
        db.session.execute(gone.values(expires_at=now()))
    clients.issue_access_token(identify_client(ours.id, ours.secret, None), ["users"])
    assert len(rows(Token, client_id=ours.id)) == len(rows(Token, client_id=other.id)) == 1
    assert isinstance(identify(kept.secret, None), TokenIdentity)


def test_a_name_is_one_client_so_that_revoking_it_ends_all_it_means(account):
    connection = a_connection(account)
    client = a_client(account, connection)
    for name in ("okta", " okta ", client.id):
        with pytest.raises(Taken):
            a_client(account, connection, name=name)
    revoke(account, "okta")
    assert live(client, client.secret) == [False]
    assert rows(OAuthClient) == []
    assert live(a_client(account, connection), client.secret) == [False]


def test_what_is_out_of_bounds_is_invalid(account):
    connection = a_connection(account)
    before = fingerprint()
    for options in (
        {"scopes": []},
        {"scopes": ["users", "everything"]},
        {"name": " "},
        {"name": "x" * 257},
        {"allowed": ["nowhere"]},
        {"allowed": [f"10.0.{number}.0/24" for number in range(51)]},
    ):
        with pytest.raises(Invalid):
            a_client(account, connection, **options)
    assert fingerprint() == before


def test_what_the_account_has_not_is_not_found(account):
    other = an_account()
    theirs = a_client(other)
    before = fingerprint()
    for call in (
        lambda: a_client(account, row(OAuthClient).connection_id),
        lambda: rotate(account, theirs.id),
        lambda: revoke(account, theirs.id),
        lambda: revoke(account, "okta"),
        lambda: rotate(account, "\0"),
    ):
        with pytest.raises(NotFound):
            call()
    assert clients.listed(account) == []
    assert fingerprint() == before


def test_each_change_is_an_event_and_use_is_none(account):
    client = a_client(account)
    clients.issue_access_token(identify_client(client.id, client.secret, None), ["users"])
    assert row(OAuthClient).last_used_at is not None
    rotate(account, "okta")
    revoke(account, "okta")
    events = [each for each in audit(account) if each.target_id == client.id]
    assert [each.action for each in events] == [
        "client.created",
        "client.rotated",
        "client.revoked",
    ]
