"""Every write of a grant: who holds which role where, given by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.directory import bounds
from app.directory.errors import Invalid, NotFound
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
) -> bool:
    """Give a role on a folder, or an account role on the account, for a period.

    A grant of the same origin that is there already takes the new period.

    :param folder_id: None gives a role on the account.
    :return: Whether that changed anything.
    :raises NotFound: When the account has no such principal, role or folder.
    :raises Invalid: When an account role is given on a folder, or the other way round, or it
        would end before it begins.
    :raises LastMasterAdmin: When the new period ends the last master admin's grant.
    """
    check_role(work, role_id, folder_id)
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
    }
    target = Target(principal.type, principal.id, principal.name)
    same = [getattr(Grant, name) == value for name, value in key.items()]
    stored = db.session.execute(select(Grant.__table__).where(*same)).first()
    if stored is None:
        _insert(work, target, key | terms)
    elif (stored.not_before, stored.expires_at) != (not_before, expires_at):
        _change(work, target, dict(stored._mapping), terms)
    else:
        return False
    return True


def revoke(work: Work, grant_id: str) -> None:
    """Take a grant back.

    :raises NotFound: When the account has no such grant.
    :raises LastMasterAdmin: When it makes the last master admin one.
    """
    _revoke_where(work, Grant.id == grant_id, expected=grant_id)


def revoke_of_mapping(work: Work, mapping_id: str, group_id: str | None = None) -> None:
    """Take back what a mapping gave, to one group or to all."""
    condition = Grant.mapping_id == mapping_id
    _revoke_where(work, condition if group_id is None else condition & (Grant.group_id == group_id))


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


def check_role(work: Work, role_id: str, folder_id: str | None) -> None:
    """Refuse a role that does not exist, or does not fit where it is given.

    :raises NotFound: When the account has no such role or folder.
    :raises Invalid: When an account role is given on a folder, or the other way round.
    """
    scope = db.session.scalar(
        select(Role.scope).where(Role.account_id == work.account_id, Role.id == role_id)
    )
    if scope is None:
        raise NotFound("role", role_id)
    if (scope == "folder") != (folder_id is not None):
        raise Invalid(
            f"{role_id} is a role on {'folders' if scope == 'folder' else 'the account'}."
        )
    folder = select(Folder.id).where(Folder.account_id == work.account_id, Folder.id == folder_id)
    if folder_id is not None and db.session.scalar(folder) is None:
        raise NotFound("folder", folder_id)


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


def _insert(work: Work, target: Target, columns: dict[str, Any]) -> None:
    work.access_changed = True
    row = columns | {"id": new_id(), "created_at": work.at}
    db.session.execute(insert(Grant), [row])
    work.record("grant.given", target, after=_snapshot(row))


def _change(work: Work, target: Target, stored: dict[str, Any], terms: dict[str, Any]) -> None:
    work.may_remove_access()
    where = (Grant.account_id == work.account_id) & (Grant.id == stored["id"])
    db.session.execute(update(Grant).where(where).values(**terms))
    work.record("grant.changed", target, before=_snapshot(stored), after=_snapshot(stored | terms))


def _revoke_where(work: Work, condition: Any, expected: str | None = None) -> None:
    grants = Grant.__table__
    rows = db.session.execute(
        select(grants).where(Grant.account_id == work.account_id, condition)
    ).all()
    if expected is not None and not rows:
        raise NotFound("grant", expected)
    if not rows:
        return
    work.may_remove_access()
    db.session.execute(delete(Grant).where(Grant.account_id == work.account_id, condition))
    for row in rows:
        type_ = "user" if row.user_id else "group"
        work.record(
            "grant.revoked",
            Target(type_, row.user_id or row.group_id),
            before=_snapshot(dict(row._mapping)),
        )


def _snapshot(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "role_id", "folder_id", "origin", "mapping_id", "granted_by", "reason")
    times = {key: row[key].isoformat() for key in ("not_before", "expires_at") if row[key]}
    return {key: row[key] for key in kept} | times
