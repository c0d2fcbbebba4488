"""The users of an account, by what administrators look for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select

from app.access.grants import in_force
from app.lists.paging import Order, Page, page_of
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import Connection, Grant, Group, Membership, NestedGroup, User, UserValue
from app.store.types import now

ORDERS = {
    "user_name": Order("user_name", User.user_name_key, User.id),
    "display_name": Order("display_name", User.display_name_key, User.id, nullable=True),
    "created_at": Order("created_at", User.id, User.id),  # ids are in the order of creation
    "last_login_at": Order("last_login_at", User.last_sign_in_at, User.id, nullable=True),
}


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
    role: str | None = None
    """Id of a role they hold, directly or through groups, on the account or on any folder."""
    group: str | None = None
    """Id of a group they are in, directly or through groups."""
    origin: str | None = None
    """``manual``, ``scim`` or ``saml``."""
    break_glass: bool | None = None
    """Whether they may sign in without SAML where the account requires it."""


def listed(
    account_id: str,
    wanted: UserFilter,
    *,
    order: str = "user_name",
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of users.

    :param order: Of ``ORDERS``.
    :raises BadCursor: When the cursor is none of this list.
    """
    by = ORDERS[order]
    by = Order(by.name, by.column, by.id, descending, by.nullable)
    query = _query(account_id).where(*_conditions(account_id, wanted))
    return page_of(query, by, lambda rows: _documents(account_id, rows), cursor=cursor, limit=limit)


def one(account_id: str, user_id: str) -> dict[str, Any] | None:
    """Return what is shown of one user; None where there is none."""
    rows = db.session.execute(_query(account_id).where(User.id == user_id)).all()
    return _documents(account_id, rows)[0] if rows else None


def emails_of(account_id: str, user_ids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the e-mail addresses of users, in the order they were given."""
    query = (
        select(UserValue.user_id, UserValue.value, UserValue.type, UserValue.primary)
        .where(
            UserValue.account_id == account_id,
            UserValue.attribute == "emails",
            UserValue.user_id.in_(list(user_ids)),
        )
        .order_by(UserValue.user_id, UserValue.position)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in db.session.execute(query):
        email = {"value": row.value, "type": row.type, "primary": bool(row.primary)}
        found.setdefault(row.user_id, []).append(email)
    return found


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            User.id,
            User.user_name,
            User.user_name_key,
            User.display_name,
            User.display_name_key,
            User.external_id,
            User.active,
            User.password_hash.is_not(None).label("has_password"),
            User.break_glass,
            User.origin,
            Connection.name.label("connection"),
            User.version,
            User.created_at,
            User.updated_at,
            User.last_sign_in_at,
        )
        .outerjoin(
            Connection,
            (Connection.account_id == User.account_id) & (Connection.id == User.connection_id),
        )
        .where(User.account_id == account_id)
    )


def _conditions(account_id: str, wanted: UserFilter) -> list[ColumnElement[bool]]:
    active = User.active.is_(True)
    found: list[ColumnElement[bool]] = []
    if wanted.pending is not None:
        pending = and_(active, User.last_sign_in_at.is_(None))
        found.append(pending if wanted.pending else not_(pending))
    if wanted.enabled is not None:
        found.append(active if wanted.enabled else User.active.is_not(True))
    if wanted.prefix:
        found.append(_begins(account_id, wanted.prefix))
    if wanted.last_login_from or wanted.last_login_to:
        found.append(_last_login(wanted))
    if wanted.role is not None:
        found.append(_holds(account_id, wanted.role))
    if wanted.group is not None:
        start = select(Group.id.label("group_id")).where(
            Group.account_id == account_id, Group.id == wanted.group
        )
        found.append(_in_groups(account_id, start))
    if wanted.origin is not None:
        found.append(User.origin == wanted.origin)
    if wanted.break_glass is not None:
        found.append(User.break_glass.is_(wanted.break_glass))
    return found


def _begins(account_id: str, prefix: str) -> ColumnElement[bool]:
    with_email = select(UserValue.user_id).where(
        UserValue.account_id == account_id,
        UserValue.attribute == "emails",
        begins_with(UserValue.value_key, prefix),
    )
    return or_(
        begins_with(User.user_name_key, prefix),
        begins_with(User.display_name_key, prefix),
        User.id.in_(with_email),
    )


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


def _holds(account_id: str, role_id: str) -> ColumnElement[bool]:
    held = (Grant.account_id == account_id, Grant.role_id == role_id, in_force(now()))
    to_groups = select(Grant.group_id).where(*held, Grant.group_id.is_not(None))
    directly = exists().where(*held, Grant.user_id == User.id)
    return or_(directly, _in_groups(account_id, to_groups))


def _in_groups(account_id: str, groups: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that a user is in one of these groups, or in a group in them."""
    inside = groups.cte(recursive=True)
    inside = inside.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == inside.c.group_id
        )
    )
    members = select(Membership.user_id).where(
        Membership.account_id == account_id, Membership.group_id.in_(select(inside.c.group_id))
    )
    return User.id.in_(members)


def _documents(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    emails = emails_of(account_id, [row.id for row in rows])
    return [_document(row, emails.get(row.id, [])) for row in rows]


def _document(row: Any, emails: list[dict[str, Any]]) -> dict[str, Any]:
    never = row.last_sign_in_at is None
    status = "disabled" if not row.active else "pending" if never else "enabled"
    return {
        "id": row.id,
        "user_name": row.user_name,
        "display_name": row.display_name,
        "emails": emails,
        "external_id": row.external_id,
        "active": bool(row.active),
        "status": status,
        "has_password": row.has_password,
        "break_glass": row.break_glass,
        "origin": row.origin,
        "connection": row.connection,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "last_login_at": row.last_sign_in_at,
    }
