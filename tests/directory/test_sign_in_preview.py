"""Whom a rule about signing in would shut out or sign out: told before, and then it is so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.directory import (
    connections,
    domains,
    requiring_saml,
    second_factor,
    sign_in_preview,
    users,
)
from app.directory.sessions import AtProvider
from app.directory.sign_in_preview import Asker, Consequences
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.database import db
from app.store.models import Passkey, Session, TotpDevice
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_grant,
    a_group,
    a_large_group,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import row, rows, statements


@pytest.fixture
def settings(app):
    return app.extensions["gatehouse"]


@pytest.fixture
def ada(account) -> Asker:
    """She asks, in a session that she opened with her password."""
    user_id = a_user(account, "ada")
    a_session(account, user_id, method="password")
    return Asker(account, user_id, row(Session, user_id=user_id).id)


def names(found: Consequences) -> list[str]:
    return [each.user_name for each in found.people]


def through(connection: str) -> AtProvider:
    return AtProvider(connection, "name")


# -- SAML ------------------------------------------------------------------------


def test_each_sign_of_a_way_in_counts(account, ada, settings):
    okta, old = a_connection(account, "saml", "Okta"), a_connection(account, "saml", "Old")
    actor = Actor(type="connection", id=okta, name="Okta", surface="saml", connection_id=okta)
    with write(account, actor) as work:
        users.create(work, Profile("made at the first sign-in"))
    with write(account) as work:
        domains.add(work, "example.com", okta)
        domains.add(work, "old.example", old)
        glass = users.create(work, Profile("glass"))
        requiring_saml.set_break_glass(work, glass, True)
    a_user(account, "by.name@example.com")
    a_user(account, "number 7", values={"emails": [{"value": "Seven@Example.com"}]})
    came = a_user(account, "came")
    a_session(account, came, at_provider=through(okta), lifetime=timedelta(seconds=-1))
    a_user(account, "asleep", active=False)
    for name in ("by.name@sub.example.com", "example.com@elsewhere.example", "x@old.example"):
        a_user(account, name)
    earlier = a_user(account, "came another way")
    a_session(account, earlier, method="password")
    from_old = a_user(account, "came through the old one")
    a_session(account, from_old, at_provider=through(old))
    with write(account) as work:
        connections.set_enabled(work, old, False)
    found = sign_in_preview.of_requiring_saml(ada, settings)
    assert names(found) == [
        "ada",
        "by.name@sub.example.com",
        "came another way",
        "came through the old one",
        "example.com@elsewhere.example",
        "x@old.example",
    ]
    assert found.without == 6 and found.is_asker_without


def test_without_domains_who_came_counts(account, ada, settings):
    okta = a_connection(account, "saml", "Okta")
    came = a_user(account, "came")
    a_session(account, came, at_provider=through(okta))
    found = sign_in_preview.of_requiring_saml(ada, settings)
    assert (names(found), found.without) == (["ada"], 1)
    a_session(account, ada.user_id, at_provider=through(okta))
    found = sign_in_preview.of_requiring_saml(ada, settings)
    assert (names(found), found.is_asker_without) == ([], False)


def test_the_sessions_that_end_are_those_that_do(account, ada, settings):
    okta = a_connection(account, "saml", "Okta")
    bob, glass = a_user(account, "bob"), a_user(account, "glass")
    with write(account) as work:
        requiring_saml.set_break_glass(work, glass, True)
    for user_id in (bob, bob, glass):
        a_session(account, user_id, method="link")
    a_session(account, bob, at_provider=through(okta))
    a_session(account, bob, method="link", lifetime=timedelta(seconds=-1))
    other = an_account()
    a_session(other, a_user(other), method="link")
    found = sign_in_preview.of_requiring_saml(ada, settings)
    assert (found.sessions, found.signed_out, found.is_asker_signed_out) == (3, 2, True)
    open_before = {each.id for each in rows(Session, account_id=account, revoked_at=None)}
    with write(account) as work:
        requiring_saml.require(work, True)
    ended = open_before - {each.id for each in rows(Session, account_id=account, revoked_at=None)}
    assert len(ended) == 4, "with the one that was over already"


# -- Second factors ------------------------------------------------------------------


def test_who_has_no_factor_is_named(account, ada, settings):
    people = {name: a_user(account, name) for name in ("totp", "unfinished", "passkey")}
    key = {"account_id": account, "created_at": now(), "name": "mine"}
    devices = [
        key
        | {"id": new_id(), "user_id": people[name], "sealed_secret": "x", "confirmed_at": confirmed}
        for name, confirmed in (("totp", now()), ("unfinished", None))
    ]
    passkey = {"id": new_id(), "credential_id": new_id(), "public_key": "x"}
    with write(account):
        db.session.execute(insert(TotpDevice), devices)
        db.session.execute(insert(Passkey), [key | passkey | {"user_id": people["passkey"]}])
    a_user(account, "asleep", active=False)
    found = sign_in_preview.of_requiring_second_factor(ada, settings)
    assert (names(found), found.without) == (["ada", "unfinished"], 2)
    assert found.is_asker_without and found.is_asker_signed_out


def test_of_a_role_those_count_who_hold_it(account, ada, settings):
    bob, eve = a_user(account, "bob"), a_user(account, "eve")
    a_user(account, "nobody")
    inner = a_group(account, "Inner", members=[eve])
    outer = a_group(account, "Outer", members=[inner])
    a_grant(account, bob, "reports")
    a_grant(account, outer, "reports")
    for user_id in (bob, eve):
        a_session(account, user_id, method="password")
    a_session(account, eve, second_factor="totp")
    found = sign_in_preview.of_requiring_second_factor(ada, settings, "reports")
    assert names(found) == ["bob", "eve"]
    assert (found.sessions, found.signed_out) == (2, 2)
    assert not found.is_asker_without and not found.is_asker_signed_out
    with write(account) as work:
        second_factor.require(work, True, "reports")
    still_open = [each.user_id for each in rows(Session, revoked_at=None)]
    assert sorted(still_open) == sorted([ada.user_id, eve])


# -- However many there are ----------------------------------------------------------


def test_more_people_are_no_more_statements(account, ada, settings):
    a_connection(account, "saml", "Okta")

    def asked() -> list[int]:
        counted = []
        for ask in (
            lambda: sign_in_preview.of_requiring_saml(ada, settings),
            lambda: sign_in_preview.of_requiring_second_factor(ada, settings),
            lambda: sign_in_preview.of_requiring_second_factor(ada, settings, "reports"),
        ):
            with statements() as seen:
                ask()
            counted.append(len(seen))
        return counted

    a_grant(account, a_large_group(account, 25), "reports")
    few = asked()
    a_large_group(account, 200)
    assert asked() == few and max(few) <= 6


def test_it_is_counted_up_to_a_limit(account, ada, settings, monkeypatch):
    a_large_group(account, 30)
    monkeypatch.setattr(sign_in_preview, "COUNTED", 25)
    found = sign_in_preview.of_requiring_second_factor(ada, settings)
    assert (found.without, len(found.people)) == (26, sign_in_preview.SHOWN)
