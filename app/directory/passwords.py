"""Signing in with a password, for accounts without SAML and for those who break glass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, union, update

from app.directory import delegation, sessions
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Account, User, UserValue
from app.store.types import comparison_key

CANDIDATES_LIMIT = 5
"""With how many users of one name, in different accounts, a password is compared."""


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be meant by the name given at a sign-in."""

    account_id: str
    account_name: str
    user_id: str
    user_name: str
    password_hash: str | None
    password_changed_at: datetime | None
    active: bool
    may: bool
    """Whether the account lets this user in with a password."""

    @property
    def refusal(self) -> str | None:
        """Why no password signs them in; None: the right one does."""
        if not self.active:
            return "not active"
        if self.password_hash is None:
            return "has no password"
        return None if self.may else "the account requires SAML"


def candidates(who: str, account: str | None = None) -> list[Candidate]:
    """Return the users whom a name or an e-mail address may mean, of all accounts.

    :param account: Name of the account, where it was given too.
    """
    key = comparison_key(who.strip())
    # By way of the accounts: each is asked by its index, and none is read through.
    by_name = select(Account.id.label("account_id"), User.id.label("user_id")).join(
        User, (User.account_id == Account.id) & (User.user_name_key == key)
    )
    by_email = select(Account.id, UserValue.user_id).join(
        UserValue,
        (UserValue.account_id == Account.id)
        & (UserValue.attribute == "emails")
        & (UserValue.value_key == key)
        & UserValue.primary.is_(True),
    )
    if account:
        named = Account.name_key == comparison_key(account.strip())
        by_name, by_email = by_name.where(named), by_email.where(named)
    meant = union(by_name, by_email).subquery()
    query = (
        select(
            User.account_id,
            Account.name.label("account_name"),
            User.id.label("user_id"),
            User.user_name,
            User.password_hash,
            User.password_changed_at,
            User.active.is_(True).label("active"),
            or_(Account.requires_saml.is_(False), User.break_glass.is_(True)).label("may"),
        )
        .join(meant, (meant.c.account_id == User.account_id) & (meant.c.user_id == User.id))
        .join(Account, Account.id == User.account_id)
        .order_by(User.password_hash.is_(None), User.id)
        .limit(CANDIDATES_LIMIT)
    )
    return [Candidate(**row._mapping) for row in db.session.execute(query)]


def set_password(
    work: Work, user_id: str, password_hash: str, *, keep_session: str | None = None
) -> None:
    """Give a user a password, and end their sessions and links: whoever knew the old one is out.

    :param password_hash: Made before the transaction: making it takes long on purpose.
    :param keep_session: The id of the session in which it is changed.
    :raises NotFound: When the account has no such user.
    :raises Forbidden: When the user may do more than the actor.
    """
    delegation.check_over(work, user_id)
    columns = {"password_hash": password_hash, "password_changed_at": work.at}
    query = (
        update(User)
        .where(User.account_id == work.account_id, User.id == user_id)
        .values(**columns, version=User.version + 1, updated_at=work.at)
        .returning(User.user_name)
    )
    user_name = db.session.scalar(query)
    if user_name is None:
        raise NotFound("user", user_id)
    work.record("user.password_changed", Target("user", user_id, user_name))
    if keep_session is None:
        sessions.revoke_all(work, user_id, reason="password changed")
    else:
        sessions.revoke_others(work, user_id, keep_session, reason="password changed")


def renew_hash(work: Work, user_id: str, stored: str, password_hash: str) -> None:
    """Put a hash of today's parameters in the place of an old one of the same password."""
    db.session.execute(
        update(User)
        .where(
            User.account_id == work.account_id,
            User.id == user_id,
            User.password_hash == stored,
        )
        .values(password_hash=password_hash)
    )


def has_password(account_id: str, user_id: str) -> bool:
    """Tell whether a user has a password."""
    query = select(User.id).where(
        User.account_id == account_id, User.id == user_id, User.password_hash.is_not(None)
    )
    return db.session.scalar(query) is not None


def hash_of(account_id: str, user_id: str) -> str | None:
    """Return the hash of a user's password, if there is one."""
    query = select(User.password_hash).where(User.account_id == account_id, User.id == user_id)
    return db.session.scalar(query)
