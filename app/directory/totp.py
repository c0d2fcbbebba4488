"""Authenticator apps: six digits, anew every 30 seconds (RFC 6238), each good once."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pyotp import TOTP, random_base32
from sqlalchemy import delete, func, insert, or_, select, update

from app.directory import bounds, factors
from app.directory.errors import Invalid, NotFound
from app.directory.work import Work
from app.security.secrets import SealError, seal, unseal
from app.security.sessions import Person
from app.store.database import db
from app.store.models import TotpDevice
from app.store.types import new_id, now
from app.words import say

STEP_SECONDS = 30
WINDOW = 1
"""How many steps an app's clock may be off, either way (RFC 6238 §5.2)."""
DEVICES_LIMIT = 5
"""Most apps of one user."""
SETUP_LIFETIME = timedelta(minutes=10)
"""How long a person may take to set an app up."""
LONGEST_LABEL = 40
"""Of what the app shows, so that it fits into a QR code in any script."""
_DIGITS = re.compile(r"[0-9]{6}")
log = structlog.get_logger("gatehouse")


@dataclass(frozen=True)
class Setup:
    """What a person enters in an app. It is a secret: for their eyes alone."""

    device_id: str
    secret: str
    """Base32."""
    uri: str
    """``otpauth://…``, for a QR code."""


def begin(work: Work, person: Person, name: str, secret_key: str) -> str:
    """Begin to set an app up, and return its id. It counts once it is confirmed.

    :raises Invalid: When the name is too long, or the user has too many apps.
    :raises Forbidden: When the person must prove first who they are.
    """
    factors.check_may_add(work, person)
    mine = (TotpDevice.account_id == work.account_id) & (TotpDevice.user_id == person.user_id)
    db.session.execute(delete(TotpDevice).where(mine, TotpDevice.confirmed_at.is_(None)))
    if (db.session.scalar(select(func.count()).where(mine)) or 0) >= DEVICES_LIMIT:
        raise Invalid(
            say("You may have %(limit)s authenticator apps at the most.", limit=DEVICES_LIMIT)
        )
    device_id = new_id()
    row = {
        "account_id": work.account_id,
        "id": device_id,
        "user_id": person.user_id,
        "name": bounds.required("name", name, factors.LONGEST_NAME),
        "sealed_secret": seal(secret_key, device_id, random_base32()),
        "created_at": work.at,
    }
    db.session.execute(insert(TotpDevice), [row])
    return device_id


def setup_of(person: Person, device_id: str, secret_key: str) -> Setup:
    """Return what a person enters in the app that is being set up.

    :raises NotFound: When they set up no such app, or took too long.
    """
    row = _unconfirmed(person, device_id, now())
    secret = unseal(secret_key, device_id, row.sealed_secret)
    issuer = f"Gatehouse {person.account_name}"[:LONGEST_LABEL].replace(":", " ")
    name = person.user_name[:LONGEST_LABEL]
    return Setup(device_id, secret, TOTP(secret, name=name, issuer=issuer).provisioning_uri())


def confirm(
    work: Work, person: Person, device_id: str, code: str, secret_key: str
) -> factors.Added:
    """Add the app that was set up, once it shows the right digits. These are used up by that.

    :raises NotFound: When they set up no such app, took too long, or the session has ended.
    :raises Invalid: When the digits are not right.
    :raises Forbidden: When the person must prove first who they are.
    """
    factors.check_may_add(work, person)
    row = _unconfirmed(person, device_id, work.at)
    step = step_of(unseal(secret_key, device_id, row.sealed_secret), code, work.at)
    if step is None:
        sentence = say("These are not the digits it shows now. Try the next ones.")
        raise Invalid(sentence, field="code")
    values = {"confirmed_at": work.at, "last_step": step, "last_used_at": work.at}
    db.session.execute(update(TotpDevice).where(_is(row)).values(**values))
    return factors.note_added(work, person, "totp", row.name)


def use(work: Work, user_id: str, code: str, secret_key: str) -> bool:
    """Use up six digits, and return whether an app of the user shows them and they were not used.

    Of two processes that are shown the same digits at once, one gets them.
    """
    query = select(TotpDevice.__table__).where(
        TotpDevice.account_id == work.account_id,
        TotpDevice.user_id == user_id,
        TotpDevice.confirmed_at.is_not(None),
    )
    for row in db.session.execute(query).all():
        try:
            secret = unseal(secret_key, row.id, row.sealed_secret)
        except SealError as error:
            log.error("authenticator app not readable", factor=row.id, reason=str(error))
            continue
        step = step_of(secret, code, work.at)
        if step is not None and _take(work, row, step):
            return True
    return False


def is_code(text: str) -> bool:
    """Tell whether a text is six digits."""
    return _DIGITS.fullmatch(text) is not None


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Return the step whose digits these are, if it is near enough to a moment.

    All steps are compared, each in constant time.
    """
    if not is_code(code):
        return None
    current = int(at.timestamp()) // STEP_SECONDS
    totp, found = TOTP(secret), None
    for step in range(current - WINDOW, current + WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def _take(work: Work, row: Any, step: int) -> bool:
    query = (
        update(TotpDevice)
        .where(_is(row), or_(TotpDevice.last_step.is_(None), TotpDevice.last_step < step))
        .values(last_step=step, last_used_at=work.at)
        .returning(TotpDevice.id)
    )
    return db.session.scalar(query) is not None


def _unconfirmed(person: Person, device_id: str, at: datetime) -> Any:
    query = select(TotpDevice.__table__).where(
        TotpDevice.account_id == person.account_id,
        TotpDevice.user_id == person.user_id,
        TotpDevice.id == device_id,
        TotpDevice.confirmed_at.is_(None),
        TotpDevice.created_at > at - SETUP_LIFETIME,
    )
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("app being set up", device_id)
    return row


def _is(row: Any) -> Any:
    return (TotpDevice.account_id == row.account_id) & (TotpDevice.id == row.id)
