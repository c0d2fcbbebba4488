"""Sessions and sign-in links, as the directory writes them and app.security reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import sessions
from app.directory.errors import Invalid, NotFound
from app.directory.sessions import AtProvider
from app.security.requests import settings
from app.security.secrets import digest
from app.security.sessions import cookie_name, signed_in
from app.settings import Settings
from app.store.database import db
from app.store.models import AuditEvent, OutgoingEvent, Session, SignInLink, User
from app.store.types import now
from tests.conftest import write
from tests.factories import HOUR, a_connection, a_link, a_session, a_user, an_account
from tests.inspection import audit, fingerprint, row, rows, statements
from tests.threads import at_once


def use(account_id: str, link: str) -> str:
    with write(account_id) as work:
        return sessions.use_link(work, link, lifetime=HOUR)


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


def test_a_session_tells_who_is_signed_in(account, ada):
    connection = a_connection(account, "saml")
    cookie = a_session(
        account, ada, at_provider=AtProvider(connection, "ada@idp", session_index="_1")
    )
    with statements() as seen:
        person = signed_in(cookie, settings())
    assert len(seen) == 1
    assert (person.account_id, person.account_name) == (account, "Acme")
    assert (person.user_id, person.user_name, person.display_name) == (ada, "ada", "ada")
    assert person.method == "saml"
    stored = row(Session)
    assert (stored.id, stored.name_id, stored.session_index) == (
        person.session_id,
        "ada@idp",
        "_1",
    )
    assert row(User).last_sign_in_at == stored.created_at


def test_secrets_are_nowhere_in_the_store(account, ada):
    cookie, link = a_session(account, ada), a_link(account, ada)
    assert row(Session).hash == digest(cookie)
    assert row(SignInLink).hash == digest(link)
    second = use(account, link)
    written = repr([rows(table) for table in (Session, SignInLink, AuditEvent, OutgoingEvent)])
    for secret in (cookie, link, second):
        assert secret not in written


def test_anything_else_is_nobody(account, ada):
    a_session(account, ada)
    stored = row(Session).hash
    for cookie in (None, "", "nonsense", "\0", "\ud800", "é" * 100, "x" * 10_000, stored):
        assert signed_in(cookie, settings()) is None


def test_a_session_ends_with_its_life(account, ada):
    assert signed_in(a_session(account, ada, lifetime=timedelta(0)), settings()) is None


def test_a_session_ends_when_idle_unless_touched(account, ada):
    cookie = a_session(account, ada)
    idle = settings().session_idle_minutes
    with write(account):
        seen = now() - timedelta(minutes=idle, seconds=1)
        db.session.execute(update(Session).values(seen_at=seen))
    assert signed_in(cookie, settings()) is None
    assert signed_in(cookie, replace(settings(), session_idle_minutes=idle + 1))
    sessions.touch(row(Session).id, an_account())
    assert signed_in(cookie, settings()) is None
    sessions.touch(row(Session).id, account)
    assert signed_in(cookie, settings())


def test_touching_is_no_event(account, ada):
    a_session(account, ada)
    before = audit(account)
    sessions.touch(row(Session).id, account)
    assert audit(account) == before


def test_revoking_ends_one_session(account, ada):
    kept = a_session(account, ada)
    kept_id = row(Session).id
    cookie = a_session(account, ada)
    ended_id = next(each.id for each in rows(Session) if each.id != kept_id)
    with write(account) as work:
        assert sessions.revoke(work, ended_id, reason="signed out")
        assert not sessions.revoke(work, ended_id, reason="signed out")
    assert signed_in(cookie, settings()) is None
    assert signed_in(kept, settings())
    (event,) = audit(account, "session.revoked")
    assert (event.target_id, event.after) == (ada, {"reason": "signed out", "session": ended_id})


def test_sessions_of_another_account_cannot_be_ended(account, ada):
    cookie = a_session(account, ada)
    session_id = row(Session).id
    with write(an_account()) as work:
        assert not sessions.revoke(work, session_id, reason="x")
        sessions.revoke_all(work, ada, reason="x")
    assert signed_in(cookie, settings())


def test_users_and_connections_of_another_account_are_not_found(account, ada):
    other = an_account()
    their_connection = a_connection(account, "saml")
    eve = a_user(other)
    before = fingerprint()
    for call in (
        lambda: a_session(other, ada),
        lambda: a_session(other, "\0"),
        lambda: a_session(other, eve, at_provider=AtProvider(their_connection, "eve")),
        lambda: a_link(other, ada),
        lambda: a_link(other, "no such id"),
    ):
        with pytest.raises(NotFound):
            call()
    assert fingerprint() == before


def test_what_the_provider_says_is_bounded(account, ada):
    for text in ("x" * 1025, "\0", "\ud800"):
        with pytest.raises(Invalid):
            a_session(account, ada, at_provider=AtProvider("c", text))
        with pytest.raises(Invalid):
            a_session(account, ada, at_provider=AtProvider("c", "ada", session_index=text))


def test_any_browser_may_sign_in(account, ada):
    for user_agent in ("x" * 10_000, "a\0b", "\ud800"):
        assert signed_in(a_session(account, ada, user_agent=user_agent), settings())


def test_a_link_works_once(account, ada):
    link = a_link(account, ada)
    assert sessions.account_of_link(link) == account
    person = signed_in(use(account, link), settings())
    assert (person.user_id, person.method) == (ada, "link")
    before = fingerprint()
    with pytest.raises(NotFound):
        use(account, link)
    assert fingerprint() == before


def test_a_link_works_once_however_many_try(app, account, ada):
    link = a_link(account, ada)
    outcomes = at_once(app, [(lambda each: use(account, each), link)] * 4)
    assert [type(each) for each in outcomes if each] == [NotFound] * 3
    assert len(rows(Session)) == 1


def test_an_unknown_link_is_not_found(account, ada):
    a_link(account, ada)
    for link in ("", "nonsense", "\0", "\ud800", "x" * 100_000):
        assert sessions.account_of_link(link) is None
        with pytest.raises(NotFound):
            use(account, link)


def test_an_old_link_does_not_work(account, ada):
    link = a_link(account, ada, lifetime=timedelta(0))
    with pytest.raises(NotFound):
        use(account, link)


def test_a_link_does_not_work_in_another_account(account, ada):
    link = a_link(account, ada)
    with pytest.raises(NotFound):
        use(an_account(), link)
    assert use(account, link)


def test_the_cookie_is_bound_to_the_host_over_https():
    assert cookie_name(Settings(public_url="https://a.example.com")) == "__Host-gatehouse"
    assert cookie_name(Settings(public_url="http://127.0.0.1:8000")) == "gatehouse"


def test_what_ended_long_ago_is_forgotten(account):
    ada = a_user(account)
    for _ in range(2):
        a_session(account, ada)
        a_link(account, ada)
    (old, _), (old_link, _) = rows(Session), rows(SignInLink)
    with write(account):
        for table, row in ((Session, old), (SignInLink, old_link)):
            columns = {"expires_at": now() - sessions.KEPT - timedelta(minutes=1)}
            db.session.execute(update(table).where(table.id == row.id).values(**columns))
    sessions.forget_old()
    assert old.id not in [each.id for each in rows(Session)] and len(rows(Session)) == 1
    assert len(rows(SignInLink)) == 1
