"""Every write of a grant: who holds which role where, given by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.access.permissions import ACCOUNT_ACTIONS, permissions_of
from app.directory import bounds
from app.directory.errors import Forbidden, Invalid, NotFound, VersionMismatch
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Folder, Grant, Group, Role, User
from app.store.types import comparison_key, new_id


@dataclass(frozen=True)
class Principal:
    """Who a grant is given to."""

    type: str
    """``user`` or ``group``."""
    id: str
    name: str

    @property
    def column(self) -> dict[str, str]:
        return {f"{self.type}_id": self.id}


@dataclass(frozen=True)
class Given:
    """The grant that holds after :func:`give`."""

    id: str
    changed: bool
    """Whether it is new, or has a new period."""


def give(
    work: Work,
    principal: Principal,
    role_id: str,
    folder_id: str | None = None,
    *,
    mapping_id: str | None = None,
    reason: str = "",
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    external_id: str | None = None,
) -> Given:
    """Give a role on a folder, or an account role on the account, for a period.

    A grant of the same origin that is there already takes the new period.

    :param folder_id: None gives a role on the account.
    :raises NotFound: When the account has no such principal, role or folder.
    :raises Forbidden: When the actor may not give this role.
    :raises Invalid: When an account role is given on a folder, or the other way round, or it
        would end before it begins.
    :raises LastMasterAdmin: When the new period ends the last master admin's grant.
    """
    role = check_role(work, role_id, folder_id)
    if mapping_id is None:  # An administrator made the mapping.
        _check_delegation(work, role)
    _check_principal(work, principal)
    _check_period(not_before, expires_at)
    key = {
        "account_id": work.account_id,
        "user_id": None,
        "group_id": None,
        **principal.column,
        "role_id": role_id,
        "folder_id": folder_id,
        "origin": "mapping" if mapping_id else work.actor.origin,
        "mapping_id": mapping_id,
    }
    terms = {
        "granted_by": work.actor.name,
        "reason": bounds.optional("reason", reason, bounds.TEXT_LENGTH),
        "not_before": not_before,
        "expires_at": expires_at,
        "external_id": bounds.optional("externalId", external_id),
    }
    target = Target(principal.type, principal.id, principal.name)
    same = [getattr(Grant, name) == value for name, value in key.items()]
    stored = db.session.execute(select(Grant.__table__).where(*same)).first()
    if stored is None:
        return Given(_insert(work, target, key | terms), True)
    if (stored.not_before, stored.expires_at) == (not_before, expires_at):
        return Given(stored.id, False)
    _change(work, target, dict(stored._mapping), terms)
    return Given(stored.id, True)


def change(
    work: Work,
    grant_id: str,
    *,
    reason: str = "",
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    external_id: str | None = None,
    expected_version: int | None = None,
) -> bool:
    """Change the terms of a grant, and return whether that changed anything.

    :raises NotFound: When the account has no such grant.
    :raises VersionMismatch: When it is not at ``expected_version``.
    :raises Forbidden: When the actor may not give this role, or did not give this grant.
    :raises Invalid: When it would end before it begins.
    :raises LastMasterAdmin: When the new period ends the last master admin's grant.
    """
    stored = _own_grant(work, grant_id, expected_version)
    _check_period(not_before, expires_at)
    terms = {
        "reason": bounds.optional("reason", reason, bounds.TEXT_LENGTH),
        "not_before": not_before,
        "expires_at": expires_at,
        "external_id": bounds.optional("externalId", external_id),
    }
    if all(stored[name] == value for name, value in terms.items()):
        return False
    _change(work, _holder(stored), stored, terms)
    return True


def revoke(work: Work, grant_id: str, *, expected_version: int | None = None) -> None:
    """Take a grant back.

    :raises NotFound: When the account has no such grant.
    :raises VersionMismatch: When it is not at ``expected_version``.
    :raises Forbidden: When the actor may not give this role, or did not give this grant.
    :raises LastMasterAdmin: When it makes the last master admin one.
    """
    _own_grant(work, grant_id, expected_version)
    _revoke_where(work, Grant.id == grant_id)


def revoke_of_mapping(work: Work, mapping_id: str, group_id: str | None = None) -> None:
    """Take back what a mapping gave, to one group or to all."""
    condition = Grant.mapping_id == mapping_id
    _revoke_where(work, condition if group_id is None else condition & (Grant.group_id == group_id))


def principal_with_id(account_id: str, id_: str, type_: str | None = None) -> Principal:
    """Find a user or group by its id.

    :param type_: ``user`` or ``group`` in any case, when it is known which.
    :raises NotFound: When there is none.
    """
    for kind, table, label in (
        ("user", User, User.user_name),
        ("group", Group, Group.display_name),
    ):
        if (type_ or kind).lower() == kind:
            query = select(label).where(table.account_id == account_id, table.id == id_)
            name = db.session.scalar(query)
            if name is not None:
                return Principal(kind, id_, name)
    raise NotFound((type_ or "user or group").lower(), id_)


def principal_named(account_id: str, type_: str, name: str) -> Principal:
    """Find a user by userName, or a group by displayName (in any case), or either by id.

    :raises NotFound: When there is none.
    :raises Invalid: When several groups have the name; use the id then.
    """
    table, label, key = (
        (User, User.user_name, User.user_name_key)
        if type_ == "user"
        else (Group, Group.display_name, Group.display_name_key)
    )
    query = select(table.id, label).where(table.account_id == account_id)
    rows = db.session.execute(
        query.where((key == comparison_key(name)) | (table.id == name)).limit(2)
    ).all()
    if not rows:
        raise NotFound(type_, name)
    if len(rows) > 1:
        raise Invalid(f"Several {type_}s answer to {name!r}. Use the id of the one you mean.")
    return Principal(type_, rows[0][0], rows[0][1])


def check_role(work: Work, role_id: str, folder_id: str | None) -> Any:
    """Return the row of a role; refuse one that does not exist, or does not fit where it is given.

    :raises NotFound: When the account has no such role or folder.
    :raises Invalid: When an account role is given on a folder, or the other way round.
    """
    role = _role(work, role_id)
    if (role.scope == "folder") != (folder_id is not None):
        raise Invalid(
            f"{role_id} is a role on {'folders' if role.scope == 'folder' else 'the account'}."
        )
    folder = select(Folder.id).where(Folder.account_id == work.account_id, Folder.id == folder_id)
    if folder_id is not None and db.session.scalar(folder) is None:
        raise NotFound("folder", folder_id)
    return role


def _role(work: Work, role_id: str) -> Any:
    query = select(Role.__table__).where(Role.account_id == work.account_id, Role.id == role_id)
    role = db.session.execute(query).first()
    if role is None:
        raise NotFound("role", role_id)
    return role


def _check_delegation(work: Work, role: Any) -> None:
    """Refuse a token that gives or takes back a role it has no scope for."""
    if work.actor.scopes is None:
        return
    needed = {"grants"}
    if permissions_of(role.scope, role.id, role.built_in, role.permissions) & ACCOUNT_ACTIONS:
        needed.add("admins")
    missing = sorted(needed - work.actor.scopes)
    if missing:
        raise Forbidden(f"To give or take back {role.name}, a token needs the scope {missing[0]}.")


def _own_grant(work: Work, grant_id: str, expected_version: int | None) -> dict[str, Any]:
    """Return a grant the actor may change or take back."""
    query = select(Grant.__table__).where(Grant.account_id == work.account_id, Grant.id == grant_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("grant", grant_id)
    if expected_version is not None and row.version != expected_version:
        raise VersionMismatch
    if work.actor.origin != "manual" and row.origin != work.actor.origin:
        raise Forbidden(
            "This grant did not come from a provider: only an administrator changes it."
        )
    _check_delegation(work, _role(work, row.role_id))
    return dict(row._mapping)


def _holder(grant: dict[str, Any]) -> Target:
    if grant["user_id"]:
        return Target("user", grant["user_id"])
    return Target("group", grant["group_id"])


def _check_principal(work: Work, principal: Principal) -> None:
    table = User if principal.type == "user" else Group
    query = select(table.id).where(table.account_id == work.account_id, table.id == principal.id)
    if db.session.scalar(query) is None:
        raise NotFound(principal.type, principal.id)


def _check_period(not_before: datetime | None, expires_at: datetime | None) -> None:
    for time in (not_before, expires_at):
        if time and time.tzinfo is None:
            raise Invalid("A time needs its zone, such as 2026-01-31T18:00:00+01:00.")
    if not_before and expires_at and not_before >= expires_at:
        raise Invalid("A grant must end after it begins.", field="expires_at")


def _insert(work: Work, target: Target, columns: dict[str, Any]) -> str:
    work.access_changed = True
    grant_id = new_id()
    row = columns | {"id": grant_id, "created_at": work.at}
    db.session.execute(insert(Grant), [row])
    work.record("grant.given", target, after=_snapshot(row))
    return grant_id


def _change(work: Work, target: Target, stored: dict[str, Any], terms: dict[str, Any]) -> None:
    work.may_remove_access()
    where = (Grant.account_id == work.account_id) & (Grant.id == stored["id"])
    counted = {"version": Grant.version + 1, "updated_at": work.at}
    db.session.execute(update(Grant).where(where).values(**terms, **counted))
    work.record("grant.changed", target, before=_snapshot(stored), after=_snapshot(stored | terms))


def _revoke_where(work: Work, condition: Any) -> None:
    grants = Grant.__table__
    rows = db.session.execute(
        select(grants).where(Grant.account_id == work.account_id, condition)
    ).all()
    if not rows:
        return
    work.may_remove_access()
    db.session.execute(delete(Grant).where(Grant.account_id == work.account_id, condition))
    for row in rows:
        stored = dict(row._mapping)
        work.record("grant.revoked", _holder(stored), before=_snapshot(stored))


def _snapshot(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "role_id", "folder_id", "origin", "mapping_id", "granted_by", "reason")
    times = {key: row[key].isoformat() for key in ("not_before", "expires_at") if row[key]}
    return {key: row[key] for key in kept} | times
