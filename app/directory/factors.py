"""The second factors of a person: listed, added, renamed, removed, reset; what a use brings about.

How each kind is set up and checked stands in ``totp``, ``passkeys`` and ``recovery_codes``; proving
with them in ``proving``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from app.directory import bounds, delegation, recovery_codes, second_factor, sessions
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.work import Target, Work
from app.security.secrets import digest, new_secret
from app.security.sessions import HALF_LIFETIME, HalfSignedIn, Person
from app.store.database import db
from app.store.models import Passkey, Session, TotpDevice, User
from app.words import say

_TABLES: dict[str, type[TotpDevice] | type[Passkey]] = {"totp": TotpDevice, "passkey": Passkey}
LONGEST_NAME = 100
"""Of a factor, in characters."""


@dataclass(frozen=True)
class Factor:
    """A factor a person has: an authenticator app or a passkey."""

    kind: str
    """``totp`` or ``passkey``."""
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Added:
    """What follows when a factor was added."""

    session_secret: str
    """For the cookie: the old one stands for nobody any more."""
    recovery_codes: list[str]
    """To be shown now or never; empty where the person had some."""


def listed(account_id: str, user_id: str) -> list[Factor]:
    """Return the confirmed factors of a user, the oldest first."""
    found = []
    for kind, table in _TABLES.items():
        query = select(table.id, table.name, table.created_at, table.last_used_at).where(
            table.account_id == account_id, table.user_id == user_id
        )
        if table is TotpDevice:
            query = query.where(TotpDevice.confirmed_at.is_not(None))
        found += [Factor(kind, *row) for row in db.session.execute(query)]
    return sorted(found, key=lambda factor: (factor.created_at, factor.id))


def check_may_add(work: Work, person: Person) -> None:
    """Refuse to add a factor in a session that awaits one which the person has.

    :raises Forbidden: Then: else a password alone would do, with a factor made up for it.
    """
    if not isinstance(person, HalfSignedIn):
        return
    found = second_factor.standing(work.account_id, person.user_id, work.at)
    if person.awaits != "enrolment" or found.has_factor:
        raise Forbidden(say("Prove first with the second factor you have who you are."))


def note_added(work: Work, person: Person, kind: str, name: str) -> Added:
    """Write down that a factor was added: its first use, which completes the session too.

    :raises NotFound: When the session has ended.
    """
    secret = complete(work, person, kind)
    after = {"factor": kind, "name": name, "session": person.session_id}
    work.record("second_factor.added", _target(person), after=after)
    has_codes = recovery_codes.left(work.account_id, person.user_id) > 0
    return Added(secret, [] if has_codes else recovery_codes.renew(work, person.user_id))


def note_used(work: Work, person: Person, kind: str) -> str:
    """Write down that a factor was used, and return the new secret of the session.

    :param kind: ``totp``, ``passkey`` or ``recovery_code``.
    :raises NotFound: When the session has ended.
    """
    secret = complete(work, person, kind)
    after = {"factor": kind, "session": person.session_id}
    work.record("second_factor.used", _target(person), after=after)
    return secret


def complete(work: Work, person: Person, kind: str) -> str:
    """Make a session one of somebody who used a second factor, and return its new secret.

    :raises NotFound: When it has ended, or waited for too long.
    """
    secret = new_secret()
    query = (
        update(Session)
        .where(
            Session.account_id == work.account_id,
            Session.id == person.session_id,
            Session.user_id == person.user_id,
            Session.revoked_at.is_(None),
            Session.expires_at > work.at,
            or_(Session.awaits.is_(None), Session.created_at > work.at - HALF_LIFETIME),
        )
        .values(
            hash=digest(secret),
            awaits=None,
            second_factor=kind,
            challenge=None,
            challenge_expires_at=None,
            seen_at=work.at,
        )
        .returning(Session.method)
    )
    method = db.session.scalar(query)
    if method is None:
        raise NotFound("session", say("that still awaits this"))
    if isinstance(person, HalfSignedIn):
        signed_in = {
            "last_sign_in_at": work.at,
            "last_sign_in_method": method,
            "last_sign_in_factor": kind,
        }
        whose = (User.account_id == work.account_id) & (User.id == person.user_id)
        db.session.execute(update(User).where(whose).values(signed_in))
    return secret


def rename(work: Work, person: Person, kind: str, factor_id: str, name: str) -> None:
    """Give a factor of a person another name. It is no event: it changes nothing for anybody else.

    :raises NotFound: When they have no such factor.
    :raises Invalid: When the name is empty or too long.
    """
    table = _table_of(kind)
    query = (
        update(table)
        .where(
            table.account_id == work.account_id,
            table.user_id == person.user_id,
            table.id == factor_id,
        )
        .values(name=bounds.required("name", name, LONGEST_NAME))
        .returning(table.id)
    )
    if db.session.scalar(query) is None:
        raise NotFound("factor", factor_id)


def remove(work: Work, person: Person, kind: str, factor_id: str) -> None:
    """Take a factor from a person, and with the last one the recovery codes.

    :raises NotFound: When they have no such factor.
    :raises Forbidden: When it is the last one, and they must have one.
    """
    table = _table_of(kind)
    query = (
        delete(table)
        .where(
            table.account_id == work.account_id,
            table.user_id == person.user_id,
            table.id == factor_id,
        )
        .returning(table.name)
    )
    name = db.session.scalar(query)
    if name is None:
        raise NotFound("factor", factor_id)
    left = second_factor.standing(work.account_id, person.user_id, work.at)
    if left.required and not left.has_factor:
        raise Forbidden(
            say("You must have a second factor. Add another one before you remove this.")
        )
    if not left.has_factor:
        recovery_codes.forget(work, person.user_id)
    before = {"factor": kind, "name": name}
    work.record("second_factor.removed", _target(person), before=before)


def renew_recovery_codes(work: Work, person: Person) -> list[str]:
    """Replace the recovery codes of a person, and return the new ones.

    :raises Invalid: When they have no factor that these could stand in for.
    """
    if not second_factor.standing(work.account_id, person.user_id, work.at).has_factor:
        raise Invalid(say("Add a second factor first."))
    after = {"factor": "recovery_code", "count": recovery_codes.COUNT}
    work.record("second_factor.added", _target(person), after=after)
    return recovery_codes.renew(work, person.user_id)


def reset(work: Work, user_id: str, reason: str) -> int:
    """Take all factors from a user who lost them, end their sessions, and return how many they had.

    :raises NotFound: When the account has no such user.
    :raises Forbidden: When the user may do more on the account than the actor.
    """
    where = (User.account_id == work.account_id) & (User.id == user_id)
    user_name = db.session.scalar(select(User.user_name).where(where))
    if user_name is None:
        raise NotFound("user", user_id)
    delegation.check_over(work, user_id)
    reason = bounds.required("reason", reason, bounds.TEXT_LENGTH)
    had = [
        {"factor": factor.kind, "name": factor.name} for factor in listed(work.account_id, user_id)
    ]
    for table in _TABLES.values():
        mine = (table.account_id == work.account_id) & (table.user_id == user_id)
        db.session.execute(delete(table).where(mine))
    recovery_codes.forget(work, user_id)
    sessions.revoke_all(work, user_id, reason="second factor reset")
    work.record(
        "second_factor.removed",
        Target("user", user_id, user_name),
        before={"factors": had},
        after={"factors": [], "reason": reason},
    )
    return len(had)


def _table_of(kind: str) -> type[TotpDevice] | type[Passkey]:
    if kind not in _TABLES:
        raise NotFound("kind of factor", kind)
    return _TABLES[kind]


def _target(person: Person) -> Target:
    return Target("user", person.user_id, person.user_name)
