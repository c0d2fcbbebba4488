"""What a fresh installation starts with."""

from __future__ import annotations

import pytest

from app.access.decisions import check
from app.directory import accounts, first_run, sessions, users
from app.directory.errors import Invalid, NotFound
from app.security.requests import settings
from app.security.sessions import signed_in
from app.security.tokens import identify
from app.store.models import User
from tests.conftest import CLI_ACTOR, write
from tests.factories import HOUR, a_user, an_account
from tests.inspection import fingerprint, row, rows


def invite(account_id: str, email: str) -> str:
    with write(account_id) as work:
        return first_run.invite_admin(work, email)


def sign_in(account_id: str, link: str):
    with write(account_id) as work:
        return signed_in(sessions.use_link(work, link, lifetime=HOUR), settings())


def test_a_fresh_installation_gets_an_account_an_admin_and_a_token(app):
    made = first_run.set_up(CLI_ACTOR)
    account = accounts.find(made.account_name)
    person = sign_in(account, made.link_secret)
    assert person.user_name == made.admin_email
    assert check(account, person.user_id, "billing.manage", None).allowed
    assert identify(made.token, None).scopes == {"users", "groups"}


def test_but_once_only(app):
    an_account()
    before = fingerprint()
    assert first_run.set_up(CLI_ACTOR) is None
    assert fingerprint() == before


def test_someone_new_is_made_an_admin(account):
    person = sign_in(account, invite(account, " Ada@Example.com "))
    assert person.user_name == "Ada@Example.com"
    assert check(account, person.user_id, "billing.manage", None).allowed


def test_someone_who_is_there_is_made_an_admin(account):
    ada = a_user(account, "ada@example.com")
    assert sign_in(account, invite(account, " ADA@example.com ")).user_id == ada
    invite(account, "ada@example.com")
    assert row(User).id == ada


def test_nobody_is_made_an_admin_by_a_bad_address_or_while_inactive(account):
    ada = a_user(account, "ada@example.com")
    with write(account) as work:
        users.set_active(work, ada, False)
    before = fingerprint()
    for email, error in (
        ("", Invalid),
        ("grace@\0", Invalid),
        ("grace", Invalid),
        ("@example.com", Invalid),
        ("grace@", Invalid),
        ("ada@example.com", NotFound),
    ):
        with pytest.raises(error):
            invite(account, email)
    assert fingerprint() == before
    assert len(rows(User)) == 1
