"""Somebody in the tests who sets up a second factor and uses it."""

from __future__ import annotations

from app.directory import proving, second_factor, totp
from app.security.requests import settings
from tests.conftest import CLI_ACTOR, SECRET_KEY, write
from tests.factories import a_session
from tests.second_factors import half


def a_half_session(account_id: str, user_id: str) -> str:
    return a_session(account_id, user_id, method="password")


def use(cookie: str, code: str) -> str:
    return proving.with_code(half(cookie), CLI_ACTOR, code, settings())


def require(account_id: str) -> None:
    with write(account_id) as work:
        second_factor.require(work, True)


def set_up(person, name: str = "Phone"):
    with write(person.account_id) as work:
        device_id = totp.begin(work, person, name, SECRET_KEY)
    return totp.setup_of(person, device_id, SECRET_KEY)


def confirm(person, setup, code: str):
    with write(person.account_id) as work:
        return totp.confirm(work, person, setup.device_id, code, SECRET_KEY)
