"""Who must prove with a second factor who they are, and what a new session still awaits.

An account may require it of everybody, a role of whoever holds it: on the account or on any folder,
directly or through groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    func,
    select,
    union,
    update,
)

from app.access.grants import in_force
from app.access.membership import groups_containing
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import (
    Account,
    Grant,
    Group,
    Membership,
    NestedGroup,
    Passkey,
    Role,
    Session,
    TotpDevice,
    User,
)
from app.store.types import Id, UtcDateTime

FEW = 500
"""Up to how many grants of a role are looked for before what is asked of those who hold it."""


@dataclass(frozen=True)
class Standing:
    """How a user stands to the second factor. Recovery codes alone are none."""

    has_factor: bool
    required: bool


def standing(account_id: str, user_id: str, at: datetime) -> Standing:
    """Return whether a user has a second factor, and whether they must. It is one statement."""
    values = {"account_id": account_id, "user_id": user_id, "at": at}
    row = db.session.execute(_standing(), values).one()
    return Standing(bool(row.has_factor), bool(row.required))


def awaits(work: Work, user_id: str, method: str, given: str | None) -> str | None:
    """Return what a new session awaits before it is a sign-in.

    ``second_factor``, or ``enrolment`` where one is required and the user has none, or None.

    :param method: With ``saml`` the provider has asked for what it wants: here only what is
        required is asked for.
    :param given: The second factor that was used already, if any.
    """
    if given is not None:
        return None
    found = standing(work.account_id, user_id, work.at)
    if found.required:
        return "second_factor" if found.has_factor else "enrolment"
    return "second_factor" if found.has_factor and method != "saml" else None


def require(work: Work, required: bool, role_id: str | None = None) -> bool:
    """Say whether a second factor is required, and return whether it is a change.

    Sessions of those it binds now, opened without one, end. Who has none gets one at the next
    sign-in.

    :param role_id: Of whoever holds this role; None: of everybody in the account.
    :raises NotFound: When the account has no such role.
    """
    stored = _required_of(work, role_id)
    if stored.required == required:
        return False
    columns: dict[str, Any] = {"requires_second_factor": required}
    if role_id is None:
        target = Target("account", work.account_id, stored.name)
        query = update(Account).where(Account.id == work.account_id)
    else:
        target = Target("role", role_id, stored.name)
        query = update(Role).where(Role.account_id == work.account_id, Role.id == role_id)
        columns |= {"version": Role.version + 1, "updated_at": work.at}
    db.session.execute(query.values(**columns))
    work.record(
        f"{target.type}.updated",
        target,
        before={"requires_second_factor": not required},
        after={"requires_second_factor": required},
    )
    if required:
        _end_sessions_without(work, role_id)
    return True


def _required_of(work: Work, role_id: str | None) -> Any:
    if role_id is None:
        query = select(Account.name, Account.requires_second_factor.label("required"))
        return db.session.execute(query.where(Account.id == work.account_id)).one()
    of_role = select(Role.name, Role.requires_second_factor.label("required")).where(
        Role.account_id == work.account_id, Role.id == role_id
    )
    row = db.session.execute(of_role).first()
    if row is None:
        raise NotFound("role", role_id)
    return row


def _end_sessions_without(work: Work, role_id: str | None) -> None:
    whose = None if role_id is None else holders(work.account_id, role_id, work.at)
    query = (
        update(Session)
        .where(*sessions_without(work.account_id, whose))
        .values(revoked_at=work.at)
        .returning(Session.user_id)
    )
    for user_id in sorted(set(db.session.scalars(query))):
        after = {"reason": "second factor required"}
        work.record("session.revoked", Target("user", user_id), after=after)


def sessions_without(
    account_id: str, whose: CompoundSelect[str] | None
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the sessions that end where a second factor is required.

    :param whose: Of these users (see :func:`holders`); None: everybody's.
    """
    theirs = () if whose is None else (Session.user_id.in_(whose),)
    return (
        Session.account_id == account_id,
        Session.revoked_at.is_(None),
        Session.awaits.is_(None),
        Session.second_factor.is_(None),
        *theirs,
    )


def holders(account_id: str, role_id: str, at: datetime) -> CompoundSelect[str]:
    """Return the query of the ids of users who hold a role, anywhere.

    The grants of a role that few hold are looked for once, here, whatever is asked of those users.
    """
    # The condition that always holds makes SQLite look for the role in an index, not in the rows.
    in_an_index = func.coalesce(Grant.user_id, Grant.group_id) > ""
    held = (Grant.account_id == account_id, Grant.role_id == role_id, in_an_index, in_force(at))
    query = select(Grant.user_id, Grant.group_id).where(*held).limit(FEW + 1)
    rows = db.session.execute(query).all()
    users: Any = {row.user_id for row in rows if row.user_id}
    seeds: Any = {row.group_id for row in rows if row.group_id}
    if len(rows) > FEW:
        users = select(Grant.user_id).where(*held, Grant.user_id.is_not(None))
        seeds = select(Grant.group_id).where(*held, Grant.group_id.is_not(None))
    is_seed = (Group.account_id == account_id) & Group.id.in_(seeds)
    groups = select(Group.id).where(is_seed).cte(recursive=True)
    groups = groups.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == groups.c.id
        )
    )
    return union(
        select(User.id).where(User.account_id == account_id, User.id.in_(users)),
        select(Membership.user_id).where(
            Membership.account_id == account_id, Membership.group_id.in_(select(groups.c.id))
        ),
    )


@cache
def _standing() -> Select[*tuple[Any, ...]]:
    """Return the query of :func:`standing`; building it takes longer than running it."""
    account_id = bindparam("account_id", type_=Id)
    user_id = bindparam("user_id", type_=Id)
    roles = select(Role.id).where(
        Role.account_id == account_id, Role.requires_second_factor.is_(True)
    )
    held = exists().where(
        Grant.account_id == account_id,
        Grant.role_id.in_(roles),
        in_force(bindparam("at", type_=UtcDateTime)),
    )
    groups = select(groups_containing(account_id, user_id).c.group_id)
    by_role = held.where(Grant.user_id == user_id) | held.where(Grant.group_id.in_(groups))
    by_account = exists().where(Account.id == account_id, Account.requires_second_factor.is_(True))
    devices = exists().where(
        TotpDevice.account_id == account_id,
        TotpDevice.user_id == user_id,
        TotpDevice.confirmed_at.is_not(None),
    )
    passkeys = exists().where(Passkey.account_id == account_id, Passkey.user_id == user_id)
    return select(
        (devices | passkeys).label("has_factor"),
        # Most accounts have no such role, and their people's groups need not be looked up.
        (by_account | (exists(roles) & by_role)).label("required"),
    )
