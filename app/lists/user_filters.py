"""Which users an administrator looks for, as conditions that stay quick however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select

from app.access.grants import in_force
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import (
    Grant,
    Group,
    Membership,
    NestedGroup,
    Passkey,
    Role,
    TotpDevice,
    User,
    UserValue,
)
from app.store.types import comparison_key, now

FEW = 1000
"""Up to so many are found first, then put in order."""
SECOND_FACTORS = ("own", "provider", "none")
_NOBODY = false()


@dataclass(frozen=True, kw_only=True)
class UserFilter:
    """Which users are wanted; what is None is not asked."""

    pending: bool | None = None
    """Whether they are active and have never signed in."""
    enabled: bool | None = None
    """Whether they are active."""
    prefix: str | None = None
    """How their userName, displayName or an e-mail address begins, in any case."""
    last_login_from: datetime | None = None
    last_login_to: datetime | None = None
    last_login_outside: bool = False
    """Those who did *not* sign in last in this period, whoever never did included."""
    never_signed_in: bool | None = None
    """Whether they have never signed in, active or not."""
    role: str | None = None
    """Id of a role they hold, directly or through groups, on the account or on any folder."""
    group: str | None = None
    """Id of a group they are in, directly or through groups."""
    group_named: str | None = None
    """Name of a group, in any case; of several that are called so any will do."""
    origin: str | None = None
    """``manual``, ``scim`` or ``saml``."""
    break_glass: bool | None = None
    """Whether they may sign in without SAML where the account requires it."""
    second_factor: str | None = None
    """``own``: an app or a passkey; ``provider``: none, but theirs asked for one at the last
    sign-in; ``none``."""


def conditions(account_id: str, wanted: UserFilter) -> list[ColumnElement[bool]] | None:
    """Return the conditions on ``User`` that make up a filter; None where nobody can meet them.

    It asks first, where it must, whether there are few: at most three statements for each thing.
    """
    active, never = User.active.is_(True), User.last_sign_in_at.is_(None)
    switches = (
        (wanted.pending, and_(active, never)),
        (wanted.never_signed_in, never),
        (wanted.enabled, active),
        (wanted.break_glass, User.break_glass.is_(True)),
    )
    found = [each if asked else not_(each) for asked, each in switches if asked is not None]
    if wanted.origin is not None:
        found.append(User.origin == wanted.origin)
    if wanted.last_login_from or wanted.last_login_to:
        found.append(_last_login(wanted))
    if wanted.prefix:
        found.append(_begins(account_id, wanted.prefix))
    if wanted.second_factor is not None:
        found.append(_proves_with(account_id, wanted.second_factor))
    if wanted.role is not None:
        found.append(_holds(account_id, wanted.role))
    if wanted.group is not None:
        found.append(_in_group(account_id, Group.id == wanted.group))
    if wanted.group_named is not None:
        key = comparison_key(wanted.group_named)
        found.append(_in_group(account_id, Group.display_name_key == key))
    return None if any(each is _NOBODY for each in found) else found


def _one_of(found: Sequence[Select[Any]], otherwise: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a user is among those found.

    Few are named by their ids, and so come up at once. Of many, a walk along the order of the list
    soon meets enough for a page.

    :param found: Selects of ids, each of which an index serves.
    :param otherwise: What the walk asks of each user.
    """
    ids: list[str] = []
    for each in found:
        ids += db.session.scalars(each.limit(FEW + 1))
        if len(ids) > FEW:
            return otherwise
    return User.id.in_(ids) if ids else _NOBODY


def _begins(account_id: str, prefix: str) -> ColumnElement[bool]:
    keys = (User.user_name_key, User.display_name_key)
    by_name = [
        select(User.id).where(User.account_id == account_id, begins_with(key, prefix))
        for key in keys
    ]
    by_email = select(UserValue.user_id).where(
        UserValue.account_id == account_id,
        UserValue.attribute == "emails",
        begins_with(UserValue.value_key, prefix),
    )
    walked = [begins_with(_walked(key), prefix) for key in keys]
    return _one_of([*by_name, by_email], or_(*walked, User.id.in_(by_email)))


def _last_login(wanted: UserFilter) -> ColumnElement[bool]:
    within: list[ColumnElement[bool]] = [User.last_sign_in_at.is_not(None)]
    if wanted.last_login_from:
        within.append(User.last_sign_in_at >= wanted.last_login_from)
    if wanted.last_login_to:
        within.append(User.last_sign_in_at < wanted.last_login_to)
    if not wanted.last_login_outside:
        return and_(*within)
    outside: list[ColumnElement[bool]] = [User.last_sign_in_at.is_(None)]
    if wanted.last_login_from:
        outside.append(User.last_sign_in_at < wanted.last_login_from)
    if wanted.last_login_to:
        outside.append(User.last_sign_in_at >= wanted.last_login_to)
    return or_(*outside)


def _proves_with(account_id: str, factor: str) -> ColumnElement[bool]:
    devices = select(TotpDevice.user_id).where(
        TotpDevice.account_id == account_id, TotpDevice.confirmed_at.is_not(None)
    )
    passkeys = select(Passkey.user_id).where(Passkey.account_id == account_id)
    own = or_(_exists(devices, TotpDevice.user_id), _exists(passkeys, Passkey.user_id))
    if factor == "own":
        return _one_of([devices, passkeys], own)
    by_provider = User.last_sign_in_factor.is_not_distinct_from("provider")
    return and_(not_(own), by_provider if factor == "provider" else not_(by_provider))


def _holds(account_id: str, role_id: str) -> ColumnElement[bool]:
    scope = select(Role.scope).where(Role.account_id == account_id, Role.id == role_id)
    held = [Grant.account_id == account_id, Grant.role_id == role_id, in_force(now())]
    if db.session.scalar(scope) == "account":
        held.append(Grant.folder_id.is_(None))
    # The condition that always holds makes SQLite look for the role in an index, not in the rows.
    holders = select(Grant.user_id, Grant.group_id).where(
        *held, func.coalesce(Grant.user_id, Grant.group_id) > ""
    )
    rows = db.session.execute(holders.limit(FEW + 1)).all()
    if len(rows) > FEW:
        return _holds_among_many(account_id, held)
    groups = [row.group_id for row in rows if row.group_id]
    users = [row.user_id for row in rows if row.user_id]
    in_groups = _in_group(account_id, Group.id.in_(groups)) if groups else _NOBODY
    if not users:
        return in_groups
    return or_(User.id.in_(users), in_groups)


def _holds_among_many(account_id: str, held: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return the condition that a user holds a role that very many hold, as a walk asks it."""
    granted = select(Grant.id).where(*held)
    around = exists(granted.where(Grant.group_id == NestedGroup.group_id).correlate(NestedGroup))
    inner = select(NestedGroup.member_id.label("group_id")).where(
        NestedGroup.account_id == account_id, around
    )
    in_one = exists(granted.where(Grant.group_id == Membership.group_id).correlate(Membership))
    theirs = select(Membership.group_id).where(Membership.account_id == account_id)
    return or_(
        _exists(granted, Grant.user_id),
        _exists(theirs.where(in_one), Membership.user_id),
        _is_member(theirs, _with_inner(account_id, inner)),
    )


def _in_group(account_id: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    start = select(Group.id.label("group_id")).where(Group.account_id == account_id, which)
    groups = _with_inner(account_id, start)
    members = select(Membership.user_id).where(Membership.account_id == account_id)
    found = members.where(Membership.group_id.in_(groups))
    return _one_of([found], _is_member(members, groups))


def _with_inner(account_id: str, groups: Select[Any]) -> Select[Any]:
    """Select the ids of groups and of all groups in them."""
    inside = groups.cte(recursive=True)
    inside = inside.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == inside.c.group_id
        )
    )
    return select(inside.c.group_id)


def _is_member(memberships: Select[Any], groups: Select[Any]) -> ColumnElement[bool]:
    among = memberships.where(_walked(Membership.group_id).in_(groups))
    return _exists(among, Membership.user_id)


def _walked(column: Any) -> ColumnElement[str]:
    """Return a column as an expression: no index serves that, so the walk stays one."""
    walked: ColumnElement[str] = column.concat("")
    return walked


def _exists(found: Select[Any], user_id: Any) -> ColumnElement[bool]:
    return exists(found.where(user_id == User.id).correlate(User))
