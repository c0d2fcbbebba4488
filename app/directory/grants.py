"""Every write of a grant: who holds which role where, given by whom and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from app.access.grants import grants_reaching
from app.directory import bounds, delegation
from app.directory.errors import Forbidden, Invalid, NotFound, VersionMismatch
from app.directory.work import Target, Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Folder, Grant, Group, Role, User
from app.store.types import comparison_key, new_id
from app.words import say


@dataclass(frozen=True)
class Principal:
    """Who a grant is given to."""

    type: str
    """``user`` or ``group``."""
    id: str
    name: str

    @property
    def target(self) -> Target:
        return Target(self.type, self.id, self.name)


@dataclass(frozen=True)
class Given:
    """The grant that holds after :func:`give`."""

    id: str
    changed: bool
    """Whether it is new, or has new terms."""


def give(
    work: Work,
    principal: Principal,
    role_id: str,
    folder_id: str | None = None,
    *,
    reason: str = "",
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    external_id: str | None = None,
) -> Given:
    """Give a role on a folder, or an account role on the account, for a period.

    A grant of the same origin that is there already takes the new period, and the reason and
    the external id where they are given.

    :param folder_id: None gives a role on the account.
    :raises NotFound: When the account has no such principal, role or folder.
    :raises Forbidden: When the actor may not give this role.
    :raises Invalid: When an account role is given on a folder, or the other way round, or it
        would end before it begins.
    :raises LastMasterAdmin: When the new period ends the last master admin's grant.
    """
    delegation.check_gift(work, check_role(work, role_id, folder_id), folder_id)
    _check_principal(work, principal)
    key = _columns_of(principal.target) | {
        "role_id": role_id,
        "folder_id": folder_id,
        "origin": work.actor.origin,
        "mapping_id": None,
    }
    terms = _terms(reason, not_before, expires_at, external_id)
    stored = _stored(work, *(getattr(Grant, name) == value for name, value in key.items()))
    if not stored:
        return Given(insert_new(work, [(principal.target, key | terms)])[0], True)
    for name in ("reason", "external_id"):
        terms[name] = terms[name] or stored[0][name]
    changed = _change(work, stored[0], terms, granted_by=work.actor.name)
    return Given(stored[0]["id"], changed)


def keep_manager(work: Work, folder_id: str) -> None:
    """Make the person who has just restricted a folder its manager, where nothing else does.

    They could restrict it, so they managed it; what let them now ends above it.
    """
    actor = work.actor
    if actor.type != "user" or actor.id is None:
        return
    held = grants_reaching(work.account_id, actor.id, folder_id, work.at)
    if any("folder.restrict" in grant.permissions for grant in held):
        return
    columns = {"role_id": "manager", "folder_id": folder_id}
    columns |= {"origin": actor.origin, "mapping_id": None} | _terms("restricted the folder")
    target = Target("user", actor.id, actor.name)
    insert_new(work, [(target, _columns_of(target) | columns)])


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
    return _change(work, stored, _terms(reason, not_before, expires_at, external_id))


def revoke(work: Work, grant_id: str, *, expected_version: int | None = None) -> None:
    """Take a grant back.

    :raises NotFound: When the account has no such grant.
    :raises VersionMismatch: When it is not at ``expected_version``.
    :raises Forbidden: When the actor may not give this role, or did not give this grant.
    :raises LastMasterAdmin: When it makes the last master admin one.
    """
    _own_grant(work, grant_id, expected_version)
    _revoke(work, Grant.id == grant_id)


def give_by_mappings(work: Work, gifts: Iterable[tuple[dict[str, Any], Target]]) -> None:
    """Give what mappings say, all at once.

    Nothing is asked of the actor: an administrator made the mappings.

    :param gifts: Rows of ``mappings``, each with a user or group that has nothing from it yet.
    """
    rows = [
        (
            target,
            _columns_of(target)
            | {name: mapping[name] for name in ("role_id", "folder_id")}
            | {"origin": "mapping", "mapping_id": mapping["id"]}
            | _terms(),
        )
        for mapping, target in gifts
    ]
    insert_new(work, rows)


def set_by_mappings(work: Work, holder: Target, mappings: Iterable[dict[str, Any]]) -> None:
    """Make what a user or group has from mappings exactly what these give.

    :param mappings: Rows of ``mappings``.
    :raises LastMasterAdmin: When it takes the role from the last master admin.
    """
    wanted = {mapping["id"]: mapping for mapping in mappings}
    own = (Grant.user_id if holder.type == "user" else Grant.group_id) == holder.id
    held = {grant["mapping_id"] for grant in _stored(work, own, Grant.origin == "mapping")}
    gone = held - wanted.keys()
    if gone:
        _revoke(work, own, Grant.mapping_id.in_(gone))
    give_by_mappings(work, [(row, holder) for each, row in wanted.items() if each not in held])


def revoke_reviewed(work: Work, ids: Collection[str], why: dict[str, Any]) -> list[dict[str, Any]]:
    """Take back what a review says, unasked, and return the rows of those there were.

    :param why: What the events say besides, such as which review it was.
    :raises LastMasterAdmin: When it takes the role from the last master admin.
    """
    return _revoke(work, among(Grant.id, ids), why=why)


def revoke_of_mapping(work: Work, mapping_id: str) -> None:
    """Take back all that a mapping gave.

    :raises LastMasterAdmin: When it takes the role from the last master admin.
    """
    _revoke(work, Grant.mapping_id == mapping_id)


def revoke_all_of(work: Work, holder: Target) -> list[dict[str, Any]]:
    """Take back all that a user or group holds, as before it is deleted, and return the rows."""
    return _revoke(work, (Grant.user_id if holder.type == "user" else Grant.group_id) == holder.id)


def revoke_on_folder(work: Work, folder_id: str) -> list[dict[str, Any]]:
    """Take back every grant on a folder, as before it is deleted, and return the rows."""
    return _revoke(work, Grant.folder_id == folder_id)


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
        what = say("users") if type_ == "user" else say("groups")
        raise Invalid(
            say(
                "Several %(what)s answer to %(name)r. Use the id of the one you mean.",
                what=what,
                name=name,
            )
        )
    return Principal(type_, rows[0][0], rows[0][1])


def check_role(work: Work, role_id: str, folder_id: str | None) -> Any:
    """Return the row of a role; refuse one that does not exist, or does not fit where it is given.

    :raises NotFound: When the account has no such role or folder.
    :raises Invalid: When an account role is given on a folder, or the other way round.
    """
    role = _role(work, role_id)
    if (role.scope == "folder") != (folder_id is not None):
        raise Invalid(
            say("%(role)s is a role on folders.", role=role_id)
            if role.scope == "folder"
            else say("%(role)s is a role on the account.", role=role_id)
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


def _own_grant(work: Work, grant_id: str, expected_version: int | None) -> dict[str, Any]:
    """Return a grant the actor may change or take back."""
    found = _stored(work, Grant.id == grant_id)
    if not found:
        raise NotFound("grant", grant_id)
    (stored,) = found
    if expected_version is not None and stored["version"] != expected_version:
        raise VersionMismatch
    if work.actor.origin != "manual" and stored["origin"] != work.actor.origin:
        raise Forbidden(
            say(
                "This grant's origin is %(origin)s, not %(own)s: "
                "only an administrator can change it or take it back.",
                origin=stored["origin"],
                own=work.actor.origin,
            )
        )
    delegation.check_gift(work, _role(work, stored["role_id"]), stored["folder_id"])
    return stored


def _stored(work: Work, *conditions: Any) -> list[dict[str, Any]]:
    """Return the account's grants that meet the conditions, each with the name of its holder."""
    holder = func.coalesce(User.user_name, Group.display_name).label("holder")
    query = (
        select(Grant.__table__, holder)
        .outerjoin(User, (User.account_id == Grant.account_id) & (User.id == Grant.user_id))
        .outerjoin(Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id))
        .where(Grant.account_id == work.account_id, *conditions)
    )
    found = [dict(row._mapping) for row in db.session.execute(query)]
    # Sorted here: by ORDER BY, SQLite would read every grant of the account in that order.
    return sorted(found, key=lambda grant: str(grant["id"]))


def _holder(grant: dict[str, Any]) -> Target:
    type_ = "user" if grant["user_id"] else "group"
    return Target(type_, grant[f"{type_}_id"], grant["holder"])


def _columns_of(holder: Target) -> dict[str, Any]:
    return {"user_id": None, "group_id": None, f"{holder.type}_id": holder.id}


def _check_principal(work: Work, principal: Principal) -> None:
    table = User if principal.type == "user" else Group
    query = select(table.id).where(table.account_id == work.account_id, table.id == principal.id)
    if db.session.scalar(query) is None:
        raise NotFound(principal.type, principal.id)


def _terms(
    reason: str = "",
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    external_id: str | None = None,
) -> dict[str, Any]:
    """Return what can change about a grant, by column.

    :raises Invalid: When it is out of bounds, or the grant would end before it begins.
    """
    for time in (not_before, expires_at):
        if time and time.tzinfo is None:
            raise Invalid(say("A time needs its zone, such as 2026-01-31T18:00:00+01:00."))
    if not_before and expires_at and not_before >= expires_at:
        raise Invalid(say("A grant must end after it begins."), field="expires_at")
    return {
        "reason": bounds.optional("reason", reason, bounds.TEXT_LENGTH),
        "not_before": not_before,
        "expires_at": expires_at,
        "external_id": bounds.optional("externalId", external_id),
    }


def insert_new(work: Work, gifts: list[tuple[Target, dict[str, Any]]]) -> list[str]:
    """Write new grants, unasked, and return their ids.

    :param gifts: Each with its holder; the columns may name the id and who gave it.
    """
    common: dict[str, Any] = {
        "account_id": work.account_id,
        "granted_by": work.actor.name,
        "created_at": work.at,
    }
    rows = [{"id": new_id()} | common | columns for _, columns in gifts]
    if rows:
        work.access_changed = True
        db.session.execute(insert(Grant), rows)
    for (target, _), row in zip(gifts, rows, strict=True):
        work.record("grant.given", target, after=_snapshot(row))
    return [row["id"] for row in rows]


def _change(work: Work, stored: dict[str, Any], terms: dict[str, Any], **beside: Any) -> bool:
    """Write new terms, and what goes beside them, unless they are those there are."""
    changed = {name for name, value in terms.items() if stored[name] != value}
    if not changed:
        return False
    if changed & {"not_before", "expires_at"}:
        work.may_remove_access()
    columns = terms | beside
    counted = {"version": Grant.version + 1, "updated_at": work.at}
    where = (Grant.account_id == work.account_id) & (Grant.id == stored["id"])
    db.session.execute(update(Grant).where(where).values(**columns, **counted))
    before, after = _snapshot(stored), _snapshot(stored | columns)
    work.record("grant.changed", _holder(stored), before=before, after=after)
    return True


def _revoke(work: Work, *conditions: Any, why: Any = None) -> list[dict[str, Any]]:
    """Take grants back, and return their rows."""
    revoked = _stored(work, *conditions)
    if not revoked:
        return []
    work.may_remove_access()
    db.session.execute(delete(Grant).where(Grant.account_id == work.account_id, *conditions))
    for grant in revoked:
        work.record("grant.revoked", _holder(grant), before=_snapshot(grant), after=why)
    return revoked


def _snapshot(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "role_id", "folder_id", "origin", "mapping_id", "granted_by", "reason")
    times = {key: row[key].isoformat() for key in ("not_before", "expires_at") if row[key]}
    named = {"external_id": row["external_id"]} if row["external_id"] else {}
    return {key: row[key] for key in kept} | times | named
