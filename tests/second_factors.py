"""Factors that tests give to people, and the digits an app shows."""

from __future__ import annotations

import time

from pyotp import TOTP, random_base32
from sqlalchemy import insert

from app.directory import passkeys, recovery_codes
from app.security.requests import settings
from app.security.secrets import seal
from app.security.sessions import Person, half_signed_in, signed_in
from app.store.database import db
from app.store.models import TotpDevice
from app.store.types import new_id, now
from tests.authenticator import Authenticator
from tests.conftest import CLI_ACTOR, SECRET_KEY, write
from tests.factories import a_session


def a_totp(account_id: str, user_id: str) -> str:
    """The secret of a confirmed app none of whose digits were used."""
    device_id, secret = new_id(), random_base32()
    row = {
        "account_id": account_id,
        "id": device_id,
        "user_id": user_id,
        "name": "Phone",
        "sealed_secret": seal(SECRET_KEY, device_id, secret),
        "confirmed_at": now(),
    }
    with write(account_id):
        db.session.execute(insert(TotpDevice), [row])
    return secret


def code_of(secret: str, steps: int = 0) -> str:
    """The digits an app shows now, or so many steps later."""
    return TOTP(secret).at(int(time.time()), counter_offset=steps)


def a_passkey(account_id: str, user_id: str, **device: object) -> Authenticator:
    """A device with a passkey of the user's."""
    authenticator = Authenticator(**device)
    person = full(a_session(account_id, user_id, second_factor="provider"))
    options = passkeys.registration_options(person, settings())
    passkeys.register(person, CLI_ACTOR, authenticator.create(options), "Key", settings())
    return authenticator


def recovery_codes_of(account_id: str, user_id: str) -> list[str]:
    with write(account_id) as work:
        return recovery_codes.renew(work, user_id)


def half(secret: str) -> Person:
    found = half_signed_in(secret)
    assert found is not None
    return found


def full(secret: str) -> Person:
    found = signed_in(secret, settings())
    assert found is not None
    return found
