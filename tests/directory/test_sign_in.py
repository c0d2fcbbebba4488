"""Signing in through a provider: each request and assertion once, and the right person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import sign_in
from app.directory.errors import Forbidden
from app.store.database import db
from app.store.models import SamlAssertion, SamlRequest
from app.store.types import now
from tests.conftest import write
from tests.factories import HOUR, a_connection, a_user, an_account
from tests.inspection import fingerprint, rows
from tests.threads import at_once


@pytest.fixture
def okta(account) -> str:
    return a_connection(account, "saml", "Okta")


def ask(account_id: str, connection_id: str, request_id: str = "_1", browser: str | None = None):
    sign_in.remember_request(account_id, connection_id, request_id, "/brand", browser)


def answer(
    account_id: str, connection_id: str, request_id: str = "_1", browser: str | None = None
) -> str:
    with write(account_id) as work:
        return sign_in.use_request(work, connection_id, request_id, browser)


def use(account_id: str, connection_id: str, assertion_id: str = "_a") -> None:
    with write(account_id) as work:
        sign_in.use_assertion(work, connection_id, assertion_id, now() + HOUR)


def who(account_id: str, name_id: str, *emails: str) -> str | None:
    with write(account_id) as work:
        found = sign_in.find_user(work, name_id, emails)
        return found and found.id


def expire(table, column, ago=timedelta(hours=9)) -> None:
    db.session.rollback()
    db.session.execute(update(table).values({column: now() - ago}))
    db.session.commit()


def test_a_request_is_answered_once(account, okta):
    ask(account, okta)
    assert answer(account, okta) == "/brand"
    with pytest.raises(Forbidden):
        answer(account, okta)


def test_a_request_is_answered_once_however_many_try(app, account, okta):
    ask(account, okta)
    outcomes = at_once(app, [(lambda each: answer(account, each), okta)] * 4)
    assert [type(each) for each in outcomes if each] == [Forbidden] * 3


def test_a_request_is_answered_by_its_own_connection_in_its_own_account(account, okta):
    ask(account, okta)
    other = an_account()
    for account_id, connection, request in (
        (account, a_connection(account, "saml"), "_1"),
        (other, okta, "_1"),
        (other, a_connection(other, "saml"), "_1"),
        (account, okta, "_2"),
        (account, okta, "\0"),
    ):
        with pytest.raises(Forbidden):
            answer(account_id, connection, request)
    assert answer(account, okta) == "/brand"


def test_a_request_is_answered_to_the_browser_that_asked(account, okta):
    ask(account, okta, browser="its digest")
    for browser in (None, "another digest"):
        with pytest.raises(Forbidden):
            answer(account, okta, browser=browser)
    assert answer(account, okta, browser="its digest") == "/brand"


def test_a_request_waits_so_long_and_is_then_forgotten(account, okta):
    ask(account, okta)
    expire(SamlRequest, SamlRequest.expires_at)
    with pytest.raises(Forbidden):
        answer(account, okta)
    ask(account, okta, "_2")
    sign_in.forget_old()
    assert [each.request_id for each in rows(SamlRequest)] == ["_2"]


def test_an_assertion_is_used_once(account, okta):
    use(account, okta)
    with pytest.raises(Forbidden):
        use(account, okta)
    use(account, okta, "_b")
    use(account, a_connection(account, "saml"))


def test_an_assertion_is_used_once_however_many_try(app, account, okta):
    outcomes = at_once(app, [(lambda each: use(account, each), okta)] * 4)
    assert [type(each) for each in outcomes if each] == [Forbidden] * 3


def test_assertions_are_forgotten_when_they_could_not_be_used_anyway(account, okta):
    use(account, okta, "_a")
    expire(SamlAssertion, SamlAssertion.expires_at, timedelta(hours=9))
    sign_in.forget_old()  # The clock may have been put forward, and be put back again.
    assert len(rows(SamlAssertion)) == 1
    expire(SamlAssertion, SamlAssertion.expires_at, timedelta(hours=25))
    use(account, okta, "x" * 100_000)
    sign_in.forget_old()
    assert [len(each.assertion_id) for each in rows(SamlAssertion)] == [256]


@pytest.mark.parametrize(
    ("name_id", "emails"),
    [
        ("ada", []),
        ("ADA", []),
        ("42", []),
        ("other", ["ADA"]),
        ("ada@work.example", []),
        ("other", ["nobody@example.com", "ADA@work.example"]),
    ],
)
def test_a_person_is_found(account, name_id, emails):
    mail = {"emails": [{"value": "ada@work.example"}]}
    ada = a_user(account, "ada", external_id="42", values=mail)
    a_user(account, "eve", external_id="43")
    assert who(account, name_id, *emails) == ada


def test_the_name_goes_before_the_number_and_the_number_before_the_address(account):
    by_name, by_number = a_user(account, "42"), a_user(account, "ada", external_id="42")
    assert who(account, "42", "ada") == by_name
    a_user(account, "eve", external_id="44")
    assert who(account, "44", "ada") != by_number


def test_nobody_else_is(account):
    a_user(account, "ada")
    a_user(an_account(), "nobody", external_id="42")
    before = fingerprint()
    for name_id in ("nobody", "42", "", "\0", "\ud800", "x" * 100_000):
        assert who(account, name_id, *["nobody@example.com"] * 100_000) is None
    assert fingerprint() == before


def test_what_several_share_names_nobody(account):
    mail = {"emails": [{"value": "team@example.com"}]}
    a_user(account, "ada", external_id="42", values=mail)
    a_user(account, "eve", external_id="42", values=mail)
    assert who(account, "42") is None
    with pytest.raises(Forbidden, match="several people"):
        who(account, "team@example.com")


def test_the_inactive_do_not_sign_in(account):
    a_user(account, "ada", active=False)
    with pytest.raises(Forbidden, match="not active"):
        who(account, "ada")
