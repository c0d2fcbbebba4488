"""What a new session awaits: by what the person has, and by what is required of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from app.directory import second_factor
from app.directory.errors import NotFound
from app.security.requests import settings
from app.security.sessions import half_signed_in, signed_in, way_on
from app.store.database import db
from app.store.models import Account, Role, Session, TotpDevice, User
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import (
    HOUR,
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import audit, row, rows, statements
from tests.second_factors import a_passkey, a_totp


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


def awaits(account_id: str, user_id: str, method: str = "password", given: str | None = None):
    with write(account_id) as work:
        return second_factor.awaits(work, user_id, method, given)


def require(account_id: str, required: bool = True, role: str | None = None) -> bool:
    with write(account_id) as work:
        return second_factor.require(work, required, role)


def test_who_has_none_and_must_have_none_is_asked_for_none(account, ada):
    for method in ("saml", "password", "link"):
        assert awaits(account, ada, method) is None


@pytest.mark.parametrize("give", [a_totp, a_passkey])
def test_who_has_one_is_asked_for_it_unless_the_provider_was(account, ada, give):
    give(account, ada)
    assert [awaits(account, ada, method) for method in ("password", "link")] == [
        "second_factor",
        "second_factor",
    ]
    assert awaits(account, ada, "saml") is None
    assert awaits(account, ada, "password", "passkey") is None
    assert awaits(account, a_user(account)) is None


def test_an_app_that_is_not_confirmed_is_no_factor(account, ada):
    with write(account):
        values = {"account_id": account, "id": new_id(), "user_id": ada}
        db.session.execute(insert(TotpDevice), [values | {"name": "x", "sealed_secret": "x"}])
    assert awaits(account, ada) is None
    require(account)
    assert awaits(account, ada) == "enrolment"


@pytest.mark.parametrize("method", ["saml", "password", "link"])
def test_where_it_is_required_every_way_in_asks(account, ada, method):
    assert require(account)
    assert awaits(account, ada, method) == "enrolment"
    assert awaits(account, ada, method, "provider") is None
    a_totp(account, ada)
    assert awaits(account, ada, method) == "second_factor"
    assert awaits(an_account(), ada, method) is None
    assert require(account, False)
    assert not require(account, False)
    assert awaits(account, ada, "saml") is None


def test_a_role_requires_it_wherever_it_is_held(account, ada):
    role = a_custom_role(account, "folder", ["folder.view"])
    folder = a_folder(account, restricted=True)
    holders = [a_user(account) for _ in range(3)]
    inner = a_group(account, members=[holders[1]])
    outer = a_group(account, members=[inner])
    a_grant(account, holders[0], role, folder)
    a_grant(account, outer, role, folder)
    a_grant(account, holders[2], "reports")
    require(account, role=role)
    require(account, role="reports")
    assert [awaits(account, each, "saml") for each in holders] == ["enrolment"] * 3
    assert awaits(account, ada) is None
    require(account, False, role="reports")
    assert awaits(account, holders[2]) is None


def test_a_role_not_in_force_requires_nothing(account, ada):
    a_grant(account, ada, "reports", not_before=now() + HOUR, expires_at=now() + 2 * HOUR)
    require(account, role="reports")
    assert awaits(account, ada) is None


def test_asking_is_one_statement_and_none_when_one_was_given(account, ada):
    awaits(account, ada)
    with write(account) as work, statements() as seen:
        second_factor.awaits(work, ada, "saml", None)
        assert len(seen) == 1
        second_factor.awaits(work, ada, "saml", "provider")
        assert len(seen) == 1


def test_requiring_it_is_told_and_bumps_the_role(account):
    require(account)
    require(account, role="admin")
    assert row(Account, id=account).requires_second_factor
    role = row(Role, account_id=account, id="admin")
    assert (role.requires_second_factor, role.version) == (True, 2)
    told = audit(account, "account.updated", "role.updated")
    assert [each.after for each in told] == [{"requires_second_factor": True}] * 2
    assert [each.before for each in told] == [{"requires_second_factor": False}] * 2


def test_a_role_of_another_account_is_not_found(account):
    role = a_custom_role(an_account(), "folder", ["folder.view"])
    with pytest.raises(NotFound):
        require(account, role=role)
    assert not row(Role, id=role).requires_second_factor


def test_requiring_it_ends_the_sessions_without_one(account, ada):
    others = an_account()
    kept = [
        a_session(account, ada, second_factor="provider"),
        a_session(account, ada, method="password", second_factor="passkey"),
        a_session(others, a_user(others)),
    ]
    ended = [a_session(account, ada), a_session(account, ada, method="link")]
    require(account)
    assert all(signed_in(each, settings()) for each in kept)
    assert not any(signed_in(each, settings()) for each in ended)
    (event,) = audit(account, "session.revoked")
    assert (event.target_id, event.after) == (ada, {"reason": "second factor required"})


def test_requiring_it_of_a_role_ends_sessions_of_its_holders_alone(account, ada):
    grace, bob = a_user(account), a_user(account)
    inner = a_group(account, members=[grace])
    a_grant(account, a_group(account, members=[inner]), "editor", a_folder(account))
    a_grant(account, ada, "editor", a_folder(account))
    cookies = [a_session(account, each) for each in (ada, grace, bob)]
    require(account, role="editor")
    assert [bool(signed_in(each, settings())) for each in cookies] == [False, False, True]


def test_half_sessions_outlive_a_requirement(account, ada):
    a_totp(account, ada)
    cookie = a_session(account, ada, method="password")
    require(account)
    assert half_signed_in(cookie)


# -- Half sessions ------------------------------------------------------------------


def test_half_a_session_is_no_sign_in(account, ada):
    a_totp(account, ada)
    cookie = a_session(account, ada, method="password")
    assert signed_in(cookie, settings()) is None
    person = half_signed_in(cookie)
    assert (person.user_id, person.account_id, person.awaits) == (ada, account, "second_factor")
    assert row(User, id=ada).last_sign_in_at is None
    assert row(Session).awaits == "second_factor"
    (event,) = audit(account, "session.opened")
    assert event.after["awaits"] == "second_factor"
    for nobody in (None, "", "x" * 10_000, "\0", "é", row(Session).hash):
        assert half_signed_in(nobody) is None


def test_a_whole_session_is_not_half_a_one(account, ada):
    cookie = a_session(account, ada)
    assert half_signed_in(cookie) is None
    assert way_on(cookie, "/x") == "/x"


@pytest.mark.parametrize(
    "values",
    [
        {"created_at": now() - timedelta(minutes=10, seconds=1)},
        {"revoked_at": now()},
        {"expires_at": now()},
    ],
)
def test_half_a_session_ends_soon(account, ada, values):
    a_totp(account, ada)
    cookie = a_session(account, ada, method="link")
    with write(account):
        db.session.execute(update(Session).values(**values))
    assert half_signed_in(cookie) is None


def test_half_a_session_ends_with_its_user(account, ada):
    a_totp(account, ada)
    cookie = a_session(account, ada, method="link")
    with write(account):
        db.session.execute(update(User).values(active=False))
    assert half_signed_in(cookie) is None


def test_the_way_on_leads_by_the_page_that_asks(account, ada):
    a_totp(account, ada)
    cookie = a_session(account, ada, method="link")
    assert way_on(cookie, "/") == "/sign-in/second-factor"
    assert way_on(cookie, "/a?b=c&d") == "/sign-in/second-factor?next=%2Fa%3Fb%3Dc%26d"
    assert len(rows(Session)) == 1
