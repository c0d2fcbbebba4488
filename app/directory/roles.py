"""Roles: the built-in ones each account is born with, and the names people use for them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, or_, select

from app.access.permissions import BUILT_IN
from app.directory.errors import Invalid
from app.store.database import db
from app.store.models import Role
from app.store.types import comparison_key


def seed_built_in(account_id: str) -> None:
    """Give a new account the built-in roles."""
    rows = [
        {
            "account_id": account_id,
            "id": name,
            "scope": scope,
            "name": name,
            "name_key": name,
            "built_in": True,
        }
        for scope, roles in BUILT_IN.items()
        for name in roles
    ]
    db.session.execute(insert(Role), rows)


def find(account_id: str, scope: str, name: str) -> str:
    """Return the id of a role, by id or by name in any case.

    :param scope: ``account`` or ``folder``.
    :raises Invalid: When the account has no such role; the message lists those it has.
    """
    roles = select(Role.id).where(Role.account_id == account_id, Role.scope == scope)
    named = roles.where(or_(Role.id == name, Role.name_key == comparison_key(name)))
    found = db.session.scalar(named.limit(1))
    if found is None:
        names = ", ".join(
            db.session.scalars(roles.with_only_columns(Role.name).order_by(Role.name).limit(50))
        )
        raise Invalid(f"There is no {scope} role {name!r}. There are: {names}.", field="role")
    return found


def named(account_id: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of roles, on the account and on folders, by id or by name in any case.

    :raises Invalid: When the account has none of one of these names.
    """
    found: list[str] = []
    for name in names:
        ids = db.session.scalars(
            select(Role.id).where(
                Role.account_id == account_id,
                or_(Role.id == name, Role.name_key == comparison_key(name)),
            )
        ).all()
        if not ids:
            raise Invalid(f"There is no role {name!r}.", field="role")
        found.extend(ids)
    return tuple(dict.fromkeys(found))
