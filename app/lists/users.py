"""The users of an account, by what administrators look for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, literal, select, union_all

from app.lists.paging import Order, Page, page_of
from app.lists.user_filters import UserFilter as UserFilter
from app.lists.user_filters import conditions
from app.store.database import db
from app.store.models import Connection, Passkey, TotpDevice, User, UserValue

ORDERS = {
    "user_name": Order("user_name", User.user_name_key, User.id),
    "display_name": Order("display_name", User.display_name_key, User.id, nullable=True),
    "created_at": Order("created_at", User.id, User.id),  # ids are in the order of creation
    "last_login_at": Order("last_login_at", User.last_sign_in_at, User.id, nullable=True),
}


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
    by = replace(ORDERS[order], descending=descending)
    asked = conditions(account_id, wanted)
    if asked is None:
        return Page([], None)
    query = _query(account_id).where(*asked)
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
            User.last_sign_in_method,
            User.last_sign_in_factor,
        )
        .outerjoin(
            Connection,
            (Connection.account_id == User.account_id) & (Connection.id == User.connection_id),
        )
        .where(User.account_id == account_id)
    )


def _factors_of(account_id: str, user_ids: Iterable[str]) -> dict[str, set[str]]:
    """Return the kinds of second factors of users: ``totp``, ``passkey``."""
    ids = list(user_ids)
    devices = select(TotpDevice.user_id, literal("totp").label("kind")).where(
        TotpDevice.account_id == account_id,
        TotpDevice.user_id.in_(ids),
        TotpDevice.confirmed_at.is_not(None),
    )
    passkeys = select(Passkey.user_id, literal("passkey")).where(
        Passkey.account_id == account_id, Passkey.user_id.in_(ids)
    )
    found: dict[str, set[str]] = {}
    for row in db.session.execute(union_all(devices, passkeys)):
        found.setdefault(row.user_id, set()).add(row.kind)
    return found


def _documents(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    emails, factors = emails_of(account_id, ids), _factors_of(account_id, ids)
    return [_document(row, emails.get(row.id, []), factors.get(row.id, set())) for row in rows]


def _document(row: Any, emails: list[dict[str, Any]], factors: set[str]) -> dict[str, Any]:
    never = row.last_sign_in_at is None
    status = "disabled" if not row.active else "pending" if never else "enabled"
    by_provider = {"provider"} if row.last_sign_in_factor == "provider" else set()
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
        "second_factors": sorted(factors or by_provider),
        "origin": row.origin,
        "connection": row.connection,
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "last_login_at": row.last_sign_in_at,
        "last_login_method": row.last_sign_in_method,
    }
