"""Bearer tokens: shown once, replaced with an overlap, ended at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import tokens
from app.directory.errors import Forbidden, Invalid, NotFound, Taken
from app.directory.work import Actor
from app.security.secrets import digest
from app.security.tokens import TokenIdentity, identify
from app.store.database import db
from app.store.models import AuditEvent, Connection, OutgoingEvent, Token
from app.store.types import now
from tests.conftest import write
from tests.factories import a_connection, a_token, an_account
from tests.inspection import audit, fingerprint, row, rows


def rotate(account_id: str, token: str, **options):
    with write(account_id) as work:
        return tokens.rotate(work, token, **options)


def revoke(account_id: str, token: str) -> str:
    with write(account_id) as work:
        return tokens.revoke(work, token)


def live(*issued) -> list[bool]:
    return [isinstance(identify(each.secret, None), TokenIdentity) for each in issued]


def set_columns(table, id_: str, account_id: str, **columns) -> None:
    with write(account_id):
        db.session.execute(update(table).where(table.id == id_).values(**columns))


def test_a_token_identifies_its_connection(account):
    connection = a_connection(account)
    issued = a_token(account, connection, name="okta", scopes=["groups", "users", "users"])
    identity = identify(issued.secret, "192.0.2.1")
    assert (identity.account_id, identity.token_id) == (account, issued.id)
    assert (identity.connection_id, identity.name) == (connection, "okta")
    assert identity.scopes == {"users", "groups"}


def test_the_secret_is_nowhere_in_the_store(account):
    issued = a_token(account)
    assert row(Token).hash == digest(issued.secret)
    assert issued.secret.startswith(issued.prefix)
    unseen = issued.secret.removeprefix(issued.prefix)
    everything = repr([rows(table) for table in (Token, AuditEvent, OutgoingEvent, Connection)])
    assert unseen not in everything
    assert unseen not in repr(audit(account, "token.created"))


def test_anything_else_identifies_nobody(account):
    a_token(account)
    for secret in (None, "", "nonsense", "\0", "\ud800", "x" * 257, "x" * 1_000_000):
        assert not isinstance(identify(secret, "192.0.2.1"), TokenIdentity)


def test_a_token_ends_when_it_expires(account):
    past, future = now() - timedelta(seconds=1), now() + timedelta(minutes=1)
    assert live(a_token(account, expires_at=past)) == [False]
    assert live(a_token(account, expires_at=future)) == [True]


def test_a_token_rests_while_its_connection_is_disabled(account):
    connection = a_connection(account)
    issued = a_token(account, connection)
    set_columns(Connection, connection, account, enabled=False)
    assert live(issued) == [False]


def test_a_token_is_bound_to_its_networks(account):
    issued = a_token(account)
    set_columns(Token, issued.id, account, networks=["10.0.0.0/8", "2001:db8::/32"])
    for address, allowed in {
        "10.1.2.3": True,
        "2001:db8::1": True,
        "11.0.0.1": False,
        "2001:db9::1": False,
        None: False,
    }.items():
        assert isinstance(identify(issued.secret, address), TokenIdentity) is allowed


def test_rotation_ends_nothing_but_the_token_named(account):
    first = a_token(account)
    second = rotate(account, "okta")
    assert second.replaced == first.prefix
    third = rotate(account, second.prefix)
    assert third.replaced == second.prefix
    fourth = rotate(account, third.id, overlap=timedelta(0))
    assert live(first, second, third, fourth) == [True, True, False, True]
    assert row(Token, id=first.id).expires_at == second.replaced_ends_at


@pytest.mark.parametrize("end", [rotate, revoke])
def test_a_name_that_several_have_is_refused(account, end):
    first, second = a_token(account), a_token(account)
    before = fingerprint()
    with pytest.raises(Invalid) as refused:
        end(account, "okta")
    assert first.prefix in str(refused.value) and second.prefix in str(refused.value)
    assert fingerprint() == before


def test_a_connection_has_no_two_live_tokens_of_a_name(account):
    connection = a_connection(account)
    first = a_token(account, connection)
    before = fingerprint()
    with pytest.raises(Taken, match=f"'okta' already, {first.prefix}: rotate it"):
        a_token(account, connection)
    assert fingerprint() == before
    with write(account) as work:  # The API's are others.
        tokens.create_for_api(work, "okta", ["user.view"])
    with write(account) as work, pytest.raises(Taken):
        tokens.create_for_api(work, "okta", ["user.view"])
    revoke(account, first.prefix)
    a_token(account, connection, expires_at=now() - timedelta(seconds=1))
    a_token(account, connection)


def test_no_name_passes_for_the_prefix_or_id_of_another(account):
    mine = a_token(account)
    others = a_token(account, name=mine.prefix), a_token(account, name=mine.id)
    assert rotate(account, mine.prefix).replaced == mine.prefix
    assert revoke(account, mine.id) == mine.prefix
    assert live(mine, *others) == [False, True, True]


def test_a_token_that_was_replaced_is_not_replaced_again(account):
    first = a_token(account)
    second = rotate(account, first.prefix)
    third = rotate(account, second.prefix)
    ends = now() + timedelta(days=300)
    other = a_token(account, expires_at=ends)  # of the same name, at another connection
    revoke(account, third.prefix)
    before = fingerprint()
    for replaced, newer in ((first, second), (second, third)):
        with pytest.raises(Invalid, match=f"^{replaced.prefix} was .* by {newer.prefix}: rotate"):
            rotate(account, replaced.prefix)
    assert fingerprint() == before
    assert row(Token, id=rotate(account, other.prefix).id).expires_at == ends


def test_the_replaced_token_ends_with_the_overlap(account):
    first = a_token(account)
    second = rotate(account, "okta", overlap=timedelta(0))
    assert live(first, second) == [False, True]
    ends = now() + timedelta(minutes=5)
    short = a_token(account, name="short", expires_at=ends)
    new = rotate(account, "short", overlap=timedelta(days=1))
    assert row(Token, id=short.id).expires_at == row(Token, id=new.id).expires_at == ends


def test_the_new_token_may_do_what_the_old_one_might(account):
    connection = a_connection(account)
    first = a_token(account, connection, scopes=["users"])
    set_columns(Token, first.id, account, networks=["10.0.0.0/8"])
    second = rotate(account, "okta")
    assert identify(second.secret, "10.0.0.1").scopes == {"users"}
    assert identify(second.secret, "10.0.0.1").connection_id == connection
    assert not isinstance(identify(second.secret, "192.0.2.1"), TokenIdentity)


def test_rotation_leaves_other_connections_alone(account):
    other = a_token(account, name="okta")
    mine = a_token(account, name="okta")
    new = rotate(account, mine.prefix)
    assert live(other, mine, new) == [True, True, True]


def test_revocation_is_at_once(account):
    first = a_token(account)
    second = rotate(account, "okta")
    other = a_token(account, name="entra")
    assert revoke(account, second.prefix) == second.prefix
    assert live(first, second) == [True, False]
    assert revoke(account, "okta") == first.prefix
    assert live(first, other) == [False, True]
    assert len(audit(account, "token.revoked")) == 2
    with pytest.raises(NotFound):
        revoke(account, "okta")


def test_what_is_out_of_bounds_is_invalid(account):
    connection = a_connection(account)
    before = fingerprint()
    for options in (
        {"scopes": []},
        {"scopes": ["users", "everything"]},
        {"name": " "},
        {"name": "x" * 257},
        {"name": "\0"},
    ):
        with pytest.raises(Invalid):
            a_token(account, connection, **options)
    assert fingerprint() == before


def test_what_the_account_has_not_is_not_found(account):
    other = an_account()
    theirs = a_token(other)
    their_connection = row(Token).connection_id
    before = fingerprint()
    for call in (
        lambda: a_token(account, their_connection),
        lambda: rotate(account, theirs.id),
        lambda: rotate(account, "okta"),
        lambda: revoke(account, theirs.prefix),
        lambda: revoke(account, "\0"),
    ):
        with pytest.raises(NotFound):
            call()
    tokens.touch(account, theirs.id)
    assert row(Token).last_used_at is None
    assert fingerprint() == before


def test_use_is_noted_but_no_event(account):
    issued = a_token(account)
    events = audit(account)
    assert identify(issued.secret, None).wants_touch
    tokens.touch(account, issued.id)
    assert not identify(issued.secret, None).wants_touch
    assert audit(account) == events


def test_a_token_that_ends_makes_none_that_outlives_it(account):
    ends = now() + timedelta(hours=2)
    with write(account) as work:
        old = tokens.create_for_api(work, "short", ["token.manage", "user.view"], expires_at=ends)
        endless = tokens.create_for_api(work, "endless", ["user.view"])
    short = Actor(type="token", id=old.id, name="short", surface="api")
    for later in (None, ends + timedelta(seconds=1)):
        with pytest.raises(Forbidden, match="for longer"), write(account, short) as work:
            tokens.create_for_api(work, "new", ["user.view"], expires_at=later)
    with pytest.raises(Forbidden), write(account, short) as work:
        tokens.rotate(work, endless.prefix)
    with write(account, short) as work:
        tokens.create_for_api(work, "new", ["user.view"], expires_at=ends)
