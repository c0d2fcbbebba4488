"""Accounts whose people sign in through SAML and in no other way, but for those who break glass.

A break-glass user is for the day the identity provider is down. Each use is written to the audit
log as an event of its own, and to the server's log as a warning.
"""

from __future__ import annotations

import structlog
from sqlalchemy import ColumnElement, exists, select, update

from app.directory import delegation
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Account, Connection, Session, User
from app.words import say

log = structlog.get_logger("gatehouse")


def require(work: Work, required: bool) -> bool:
    """Say whether people must sign in through SAML, and return whether it is a change.

    Sessions that were opened in another way end now, but for those of break-glass users.

    :raises Invalid: When nobody could sign in then: no connection, or nobody who breaks glass.
    """
    where = Account.id == work.account_id
    stored = db.session.execute(select(Account.name, Account.requires_saml).where(where)).one()
    if stored.requires_saml == required:
        return False
    if required:
        _check_ways_in(work)
        _end_other_sessions(work)
    db.session.execute(update(Account).where(where).values(requires_saml=required))
    work.record(
        "account.updated",
        Target("account", work.account_id, stored.name),
        before={"requires_saml": not required},
        after={"requires_saml": required},
    )
    return True


def set_break_glass(work: Work, user_id: str, allowed: bool) -> bool:
    """Say whether a user may break glass, and return whether it is a change.

    :raises NotFound: When the account has no such user.
    :raises Forbidden: When the user may do more on the account than the actor.
    :raises Invalid: When the account requires SAML and this is the last one who may.
    """
    where = (User.account_id == work.account_id) & (User.id == user_id)
    stored = db.session.execute(select(User.user_name, User.break_glass).where(where)).first()
    if stored is None:
        raise NotFound("user", user_id)
    delegation.check_over(work, user_id)
    if stored.break_glass == allowed:
        return False
    db.session.execute(update(User).where(where).values(break_glass=allowed))
    if _requires(work):
        if not _has_break_glass(work):
            raise Invalid(
                say("While the account requires SAML, somebody must be able to break glass.")
            )
        _end_other_sessions(work)
    work.record(
        "break_glass.allowed" if allowed else "break_glass.taken_back",
        Target("user", user_id, stored.user_name),
    )
    return True


def check(work: Work, user: Target, method: str) -> None:
    """Refuse a sign-in without SAML where the account requires it; write down an exception.

    :raises Forbidden: When the user may not break glass.
    """
    if not _requires(work):
        return
    _check_break_glass(work, user)
    work.record("break_glass.used", user, after={"method": method})
    log.warning("break glass used", account=work.account_id, user=user.id, method=method)


def check_link(work: Work, user: Target) -> None:
    """Refuse a sign-in link that would not work.

    :raises Forbidden: When the account requires SAML and the user may not break glass.
    """
    if _requires(work):
        _check_break_glass(work, user)


def _check_break_glass(work: Work, user: Target) -> None:
    query = select(User.break_glass).where(User.account_id == work.account_id, User.id == user.id)
    if not db.session.scalar(query):
        raise Forbidden(say("This account requires people to sign in through their company."))


def _requires(work: Work) -> bool:
    return bool(
        db.session.scalar(select(Account.requires_saml).where(Account.id == work.account_id))
    )


def _check_ways_in(work: Work) -> None:
    connected = exists().where(
        Connection.account_id == work.account_id,
        Connection.kind == "saml",
        Connection.enabled.is_(True),
    )
    if not db.session.scalar(select(connected)):
        raise Invalid(say("Connect a SAML provider first."))
    if not _has_break_glass(work):
        raise Invalid(
            say(
                "Say first who may still sign in when the provider is down: on their page in the "
                "console, or with gatehouse admin break-glass EMAIL"
            )
        )


def _has_break_glass(work: Work) -> bool:
    there = exists().where(
        User.account_id == work.account_id, User.active.is_(True), User.break_glass.is_(True)
    )
    return bool(db.session.scalar(select(there)))


def sessions_without(account_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the sessions that end where SAML is required."""
    # They are few, and everybody else would be many.
    breaking = select(User.id).where(User.account_id == account_id, User.break_glass.is_(True))
    return (
        Session.account_id == account_id,
        Session.method != "saml",
        Session.revoked_at.is_(None),
        Session.user_id.not_in(breaking),
    )


def _end_other_sessions(work: Work) -> None:
    query = (
        update(Session)
        .where(*sessions_without(work.account_id))
        .values(revoked_at=work.at)
        .returning(Session.user_id)
    )
    for user_id in sorted(set(db.session.scalars(query))):
        work.record("session.revoked", Target("user", user_id), after={"reason": "SAML required"})
