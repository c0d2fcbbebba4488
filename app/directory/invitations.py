"""Links by which somebody sets a password: an invitation, or a reset of one that is forgotten.

They are single-use, short-lived, and stored as digests. One for one purpose is none for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.directory import bounds, delegation, requiring_saml, users
from app.directory.errors import Invalid, NotFound
from app.directory.work import Target, Work
from app.security.secrets import digest, new_secret
from app.store.database import db
from app.store.models import Account, SignInLink, User
from app.store.types import comparison_key, new_id
from app.words import say

LIFETIMES = {"invitation": timedelta(days=7), "reset": timedelta(minutes=30)}
"""How long a link works, by its purpose."""


@dataclass(frozen=True)
class Holder:
    """Whom a link is for."""

    account_id: str
    account_name: str
    user_id: str
    user_name: str
    display_name: str | None
    purpose: str


def create(work: Work, user_id: str, purpose: str) -> str:
    """Make a link for an active user and return its secret. Older ones of the purpose die.

    :param purpose: Of ``LIFETIMES``.
    :raises NotFound: When the account has no such active user.
    :raises Forbidden: When the account requires SAML, and of this user too; when the user may do
        more on the account than the actor, who could become that user by it.
    """
    query = select(User.user_name).where(
        User.account_id == work.account_id, User.id == user_id, User.active.is_(True)
    )
    user_name = db.session.scalar(query)
    if user_name is None:
        raise NotFound("active user", user_id)
    delegation.check_over(work, user_id)
    target = Target("user", user_id, user_name)
    requiring_saml.check_link(work, target)
    db.session.execute(
        delete(SignInLink).where(
            SignInLink.account_id == work.account_id,
            SignInLink.user_id == user_id,
            SignInLink.purpose == purpose,
        )
    )
    secret = new_secret()
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "user_id": user_id,
        "purpose": purpose,
        "hash": digest(secret),
        "created_at": work.at,
        "expires_at": work.at + LIFETIMES[purpose],
    }
    db.session.execute(insert(SignInLink), [row])
    work.record(f"{purpose}_link.created", target)
    return secret


def find_or_add(work: Work, email: str) -> str:
    """Return the id of the user with an address as userName, added if need be.

    :raises Invalid: When it is no address, or out of bounds.
    """
    email = bounds.required("email", email)
    local, _, domain = email.rpartition("@")
    if not local or not domain:
        raise Invalid(say("email must look like ada@example.com."), field="email")
    query = select(User.id).where(
        User.account_id == work.account_id, User.user_name_key == comparison_key(email)
    )
    user_id = db.session.scalar(query)
    if user_id is not None:
        return user_id
    value = {"value": email, "type": "work", "primary": True}
    return users.create(work, users.Profile(email, values={"emails": [value]}))


def holder_of(secret: str, at: datetime) -> Holder | None:
    """Return whom a link that still works is for."""
    query = (
        select(
            SignInLink.account_id,
            Account.name,
            User.id,
            User.user_name,
            User.display_name,
            SignInLink.purpose,
        )
        .join(User, (User.account_id == SignInLink.account_id) & (User.id == SignInLink.user_id))
        .join(Account, Account.id == SignInLink.account_id)
        .where(*_works(secret, at), User.active.is_(True))
    )
    row = db.session.execute(query).first()
    return Holder(*row) if row else None


def use(work: Work, secret: str) -> str:
    """Use a link up, and return the id of the user it is for.

    :raises NotFound: When it does not work (any more).
    """
    query = (
        update(SignInLink)
        .where(SignInLink.account_id == work.account_id, *_works(secret, work.at))
        .values(used_at=work.at)
        .returning(SignInLink.user_id)
    )
    user_id = db.session.scalar(query)
    if user_id is None:
        raise NotFound("link", say("that still works"))
    return user_id


def _works(secret: str, at: datetime) -> tuple[Any, ...]:
    return (
        SignInLink.hash == digest(secret),
        SignInLink.purpose.in_(list(LIFETIMES)),
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > at,
    )
