"""A sign-in with a password: what is counted, compared, written down, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.directory import attempts, passwords, sessions
from app.directory.attempts import Counted
from app.directory.passwords import Candidate
from app.directory.work import Actor, Target, record_refusal, transaction
from app.security.devices import Device
from app.security.passwords import LONGEST, hash_password, is_outdated, verify
from app.store.types import comparison_key

FREE_FOR_NAME = 5
FREE_FOR_DEVICE = 10
FREE_FOR_NETWORK = 50
"""How many failures make nobody wait: under one name, of a known browser, of one network."""


class WrongPassword(Exception):
    """The name or the password is wrong; or this user has none, or may not use it."""


class SeveralAccounts(Exception):
    """They are right in several accounts: the name of one is needed too."""


@dataclass(frozen=True)
class Opened:
    """What a sign-in gives the browser."""

    secret: str
    """Of the session, for its cookie. It may await a second factor."""
    user_id: str
    password_changed_at: datetime | None


@dataclass(frozen=True)
class Given:
    """What somebody gives to sign in."""

    who: str
    password: str
    account: str | None
    """Name of the account, where they were asked for it."""
    network: str | None
    """Where they come from, as it is counted."""
    device: Device | None
    user_agent: str


def sign_in(given: Given, actor: Actor, lifetime: timedelta) -> Opened:
    """Open a session for whoever gives the right name and password.

    Each try is counted as failed before it is made. Unknown names, users without a password, and
    those who must come through SAML answer like a wrong password, after the same time.

    :param actor: Where the request comes from; the events say the user's own name.
    :raises TooManyAttempts: When the next try has to wait.
    :raises WrongPassword: When nobody is signed in.
    :raises SeveralAccounts: When it would be right in several accounts.
    """
    meant = passwords.candidates(given.who, given.account)
    cleared, eased = _counted(given, meant)
    attempts.begin([*cleared, *eased])
    right = [each for each in _compared(given.password, meant) if each.refusal is None]
    if not right:
        for each in meant:
            _note_refusal(each, actor)
        raise WrongPassword
    attempts.succeeded(cleared, eased)
    if len(right) > 1:
        raise SeveralAccounts
    (user,) = right
    return _open(user, given, actor, lifetime)


def _counted(given: Given, meant: list[Candidate]) -> tuple[list[Counted], list[Counted]]:
    """Return whom a failure is counted for: the name or the known browser, and the network."""
    device = given.device
    if device and any(device.is_of(each.user_id, each.password_changed_at) for each in meant):
        own = Counted(f"device:{device.user_id}:{device.id}", FREE_FOR_DEVICE)
    else:
        own = Counted(f"name:{comparison_key(given.who.strip())}", FREE_FOR_NAME)
    network = Counted(f"network:{given.network}", FREE_FOR_NETWORK)
    return [own], [network]


def _compared(password: str, meant: list[Candidate]) -> list[Candidate]:
    """Return those whose password it is. At least one hash is compared, whoever is meant."""
    if len(password) > LONGEST:
        return []
    hashes = [each.password_hash for each in meant] or [None]
    matches = [verify(stored, password) for stored in hashes]
    return [each for each, is_right in zip(meant, matches, strict=False) if is_right]


def _note_refusal(user: Candidate, actor: Actor) -> None:
    reason = user.refusal or "wrong password"
    target = Target("user", user.user_id, user.user_name)
    record_refusal(user.account_id, actor, "sign_in.refused", reason, target)


def _open(user: Candidate, given: Given, actor: Actor, lifetime: timedelta) -> Opened:
    stored = user.password_hash
    renewed = hash_password(given.password) if stored and is_outdated(stored) else None
    with transaction(user.account_id, actor) as work:
        if stored and renewed:
            passwords.renew_hash(work, user.user_id, stored, renewed)
        secret = sessions.open_session(
            work,
            user.user_id,
            method="password",
            lifetime=lifetime,
            user_agent=given.user_agent,
        )
    return Opened(secret, user.user_id, user.password_changed_at)
