"""Roles: the built-in ones, the account's own, and the names people use for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.access.permissions import ACTIONS, BUILT_IN, FOLDER_ACTIONS, permissions_of
from app.directory import bounds, delegation, second_factor
from app.directory.errors import Forbidden, Invalid, NotEmpty, NotFound, Taken, VersionMismatch
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Grant, Mapping, Role
from app.store.types import comparison_key, new_id
from app.words import any_of, say

ROLES_LIMIT = 500
"""Most roles of its own one account may have."""


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


def create(
    work: Work, scope: str, name: str, permissions: Collection[str], *, description: str = ""
) -> str:
    """Add a role of the account's own and return its id.

    :param scope: ``account`` or ``folder``.
    :param permissions: Actions, of those that roles of this scope may permit.
    :raises Invalid: When there is no such scope or action, or there are too many roles.
    :raises Taken: When there is a role of this scope and name, in any case.
    :raises Forbidden: When the actor does not hold all that it permits.
    """
    if scope not in BUILT_IN:
        raise Invalid(say("A role is of scope %(what)s.", what=any_of(BUILT_IN)), field="scope")
    own = select(func.count()).where(Role.account_id == work.account_id, ~Role.built_in)
    if (db.session.scalar(own) or 0) >= ROLES_LIMIT:
        raise Invalid(
            say("An account may have %(limit)s roles of its own at the most.", limit=ROLES_LIMIT)
        )
    role_id = new_id()
    columns = _columns(work, scope, name, permissions, description)
    row = {"account_id": work.account_id, "id": role_id, "scope": scope, "built_in": False}
    try:
        db.session.execute(insert(Role), [row | columns | {"created_at": work.at}])
    except IntegrityError as error:
        raise _taken(columns["name"]) from error
    after = _snapshot(columns | {"scope": scope})
    work.record("role.created", Target("role", role_id, columns["name"]), after=after)
    return role_id


def replace(
    work: Work,
    role_id: str,
    name: str,
    permissions: Collection[str],
    *,
    description: str = "",
    expected_version: int | None = None,
) -> bool:
    """Change a role of the account's own, and return whether that changed anything.

    Everyone who holds it may do what it permits from then on, and nothing else.

    :raises NotFound: When the account has no such role.
    :raises VersionMismatch: When the role is not at ``expected_version``.
    :raises Forbidden: When it is built in, or the actor does not hold all that it permits or did.
    :raises Invalid: As :func:`create`.
    :raises Taken: As :func:`create`.
    """
    stored = _own_role(work, role_id, expected_version)
    columns = _columns(work, stored.scope, name, permissions, description)
    before = _snapshot(dict(stored._mapping))
    after = _snapshot(columns | {"scope": stored.scope})
    if before == after:
        return False
    work.access_changed = True
    changed = update(Role).where(Role.account_id == work.account_id, Role.id == role_id)
    try:
        db.session.execute(changed.values(**columns, version=Role.version + 1, updated_at=work.at))
    except IntegrityError as error:
        raise _taken(columns["name"]) from error
    work.record(
        "role.updated", Target("role", role_id, columns["name"]), before=before, after=after
    )
    return True


def require_second_factor(
    work: Work, role_id: str, required: bool, *, expected_version: int | None = None
) -> bool:
    """Say whether who holds a role proves it with a second factor; return whether it is a change.

    A built-in role can require it too.

    :raises NotFound: When the account has no such role.
    :raises VersionMismatch: When the role is not at ``expected_version``.
    :raises Forbidden: When the actor does not hold all that it permits: otherwise whoever may
        change roles could take the second factor from those who may do more.
    """
    stored = _role(work, role_id, expected_version)
    permits = permissions_of(stored.scope, stored.id, stored.built_in, stored.permissions)
    delegation.check_permissions(work, permits)
    return second_factor.require(work, required, role_id)


def delete(work: Work, role_id: str, *, expected_version: int | None = None) -> None:
    """Remove a role of the account's own that nobody holds and no mapping gives.

    :raises NotFound: When the account has no such role.
    :raises VersionMismatch: When the role is not at ``expected_version``.
    :raises Forbidden: When it is built in, or the actor does not hold all that it permits.
    :raises NotEmpty: When somebody holds it, or a mapping gives it.
    """
    stored = _own_role(work, role_id, expected_version)
    granted = say("The role %(role)r is granted. Take that back first.", role=stored.name)
    mapped = say("The role %(role)r is given by a mapping. Take that back first.", role=stored.name)
    for table, sentence in ((Grant, granted), (Mapping, mapped)):
        used = select(table.id).where(table.account_id == work.account_id, table.role_id == role_id)
        if db.session.scalar(used.limit(1)) is not None:
            raise NotEmpty(sentence)
    db.session.execute(
        sql_delete(Role).where(Role.account_id == work.account_id, Role.id == role_id)
    )
    before = _snapshot(dict(stored._mapping))
    work.record("role.deleted", Target("role", role_id, stored.name), before=before)


def permissions(account_id: str, role_id: str) -> frozenset[str]:
    """Return what a role permits.

    :raises NotFound: When the account has no such role.
    """
    query = select(Role.__table__).where(Role.account_id == account_id, Role.id == role_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("role", role_id)
    return permissions_of(row.scope, row.id, row.built_in, row.permissions)


def find(account_id: str, scope: str, name: str) -> str:
    """Return the id of a role, by id or by name in any case.

    :param scope: ``account`` or ``folder``.
    :raises Invalid: When the account has no such role; the message lists those it has.
    """
    roles = select(Role.id).where(Role.account_id == account_id, Role.scope == scope)
    named = roles.where(or_(Role.id == name, Role.name_key == comparison_key(name)))
    found = db.session.scalar(named.limit(1))
    if found is None:
        names = roles.with_only_columns(Role.name).order_by(Role.name).limit(50)
        sentence = say(
            "There is no %(scope)s role %(role)r. There are: %(roles)s.",
            scope=scope,
            role=name,
            roles=list(db.session.scalars(names)),
        )
        raise Invalid(sentence, field="role")
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
            raise Invalid(say("There is no role %(role)r.", role=name), field="role")
        found.extend(ids)
    return tuple(dict.fromkeys(found))


def _own_role(work: Work, role_id: str, expected_version: int | None) -> Any:
    row = _role(work, role_id, expected_version)
    if row.built_in:
        raise Forbidden(say("%(role)s is built in and stays as it is.", role=row.name))
    delegation.check_permissions(work, row.permissions)
    return row


def _role(work: Work, role_id: str, expected_version: int | None) -> Any:
    query = select(Role.__table__).where(Role.account_id == work.account_id, Role.id == role_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("role", role_id)
    if expected_version is not None and row.version != expected_version:
        raise VersionMismatch
    return row


def _columns(
    work: Work, scope: str, name: str, permissions: Collection[str], description: str
) -> dict[str, Any]:
    """Return what is kept of a role.

    :raises Invalid: When it is out of bounds.
    :raises Forbidden: When the actor does not hold all that it permits.
    """
    possible = FOLDER_ACTIONS if scope == "folder" else ACTIONS
    unknown = sorted(set(permissions) - possible)
    if unknown:
        raise Invalid(
            say(
                "No %(scope)s role can permit %(unknown)s. Those there are: %(permissions)s.",
                scope=scope,
                unknown=", ".join(unknown)[:200],
                permissions=sorted(possible),
            ),
            field="permissions",
        )
    delegation.check_permissions(work, permissions)
    name = bounds.required("name", name)
    return {
        "name": name,
        "name_key": comparison_key(name),
        "permissions": sorted(set(permissions)),
        "description": bounds.optional("description", description, bounds.TEXT_LENGTH) or "",
    }


def _snapshot(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("scope", "name", "permissions", "description")}


def _taken(name: str) -> Taken:
    return Taken(say("There is a role %(role)r of this scope already.", role=name))
