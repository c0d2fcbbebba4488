"""Which grants reach a user: on a folder, on the account, in force at a time. Read-only SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    bindparam,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.selectable import NamedFromClause

from app.access.membership import groups_containing
from app.access.permissions import permissions_of
from app.store.database import db
from app.store.models import Folder, FolderClosure, Grant, Group, Role, User
from app.store.types import Id, UtcDateTime


@dataclass(frozen=True)
class HeldGrant:
    """One grant that reaches a user, with the way it does."""

    id: str
    scope: str
    """``account`` or ``folder``."""
    role_id: str
    role_name: str
    permissions: frozenset[str]
    folder_id: str | None
    depth: int | None
    """How many folders above the asked one it was given; None for a role on the account, and
    where no folder was asked about."""
    group_id: str | None
    group_name: str | None
    origin: str
    granted_by: str
    reason: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None


def permissions_in(grants: Iterable[HeldGrant]) -> frozenset[str]:
    """Return all that some grants permit together."""
    return frozenset().union(*(grant.permissions for grant in grants))


def grants_reaching(
    account_id: str, user_id: str, folder_id: str | None, at: datetime
) -> list[HeldGrant]:
    """Return the grants of an active user that hold on a folder, and on the account.

    Grants on ancestors count up to and including the nearest restricted folder. It is one
    statement, whose cost depends on the depth of the folder and the groups of the user, not on
    the size of the account. An unknown or inactive user has none, nor has anyone on an unknown
    folder.

    :param folder_id: None for the roles on the account alone.
    """
    values = {"account_id": account_id, "user_id": user_id, "folder_id": folder_id, "at": at}
    rows = db.session.execute(_statement(folder_id is not None), values)
    return [held(row, row.depth) for row in rows]


def grants_held(account_id: str, user_id: str, at: datetime) -> list[HeldGrant]:
    """Return all grants of an active user, wherever they hold. Of none the depth is known."""
    values = {"account_id": account_id, "user_id": user_id, "at": at}
    return [held(row, None) for row in db.session.execute(_everywhere(), values)]


def grants_near(account_id: str, user_id: str, folder_ids: Iterable[str]) -> list[HeldGrant]:
    """Return the grants of a user on folders and on the account, also those not in force.

    Nothing may be decided by them: they say what there would be if things were otherwise.
    """
    near = Grant.folder_id.is_(None) | Grant.folder_id.in_(list(folder_ids))
    groups = groups_containing(account_id, user_id)
    branches = [
        given(None).where(Grant.account_id == account_id, Grant.user_id == user_id, near),
        given(groups).where(Grant.account_id == account_id, near),
    ]
    return [held(row, None) for row in db.session.execute(union_all(*branches))]


def roles_permitting(account_id: str, *actions: str) -> dict[str, list[str]]:
    """Return the ids of the roles that permit any of some actions, by scope: ``account`` and
    ``folder``."""
    found: dict[str, list[str]] = {"account": [], "folder": []}
    query = select(Role.id, Role.scope, Role.built_in, Role.permissions)
    for row in db.session.execute(query.where(Role.account_id == account_id)):
        permitted = permissions_of(row.scope, row.id, row.built_in, row.permissions)
        if not permitted.isdisjoint(actions):
            found[row.scope].append(row.id)
    return found


def in_force(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that a grant is in force at a time."""
    started = or_(Grant.not_before.is_(None), Grant.not_before <= at)
    return started & or_(Grant.expires_at.is_(None), Grant.expires_at > at)


_ACCOUNT_ID = bindparam("account_id", type_=Id)
_USER_ID = bindparam("user_id", type_=Id)
_FOLDER_ID = bindparam("folder_id", type_=Id)
_AT = bindparam("at", type_=UtcDateTime)


@cache
def _statement(on_folder: bool) -> CompoundSelect[Any]:
    """Return the query of :func:`grants_reaching`; building it takes longer than running it."""
    groups = groups_containing(_ACCOUNT_ID, _USER_ID)
    branches = []
    for to_groups in (None, groups):
        on_account = _grants(to_groups, cast(null(), Integer).label("depth")).where(
            Grant.folder_id.is_(None)
        )
        if on_folder:
            on_account = on_account.where(_folder_exists())
            ancestors = _ancestors()
            branches.append(
                _grants(to_groups, ancestors.c.depth.label("depth")).join(
                    ancestors, Grant.folder_id == ancestors.c.ancestor_id
                )
            )
        branches.append(on_account)
    return union_all(*branches)


def _folder_exists() -> ColumnElement[bool]:
    return exists().where(Folder.account_id == _ACCOUNT_ID, Folder.id == _FOLDER_ID)


def _ancestors() -> NamedFromClause:
    """Return the folder and its ancestors up to the nearest restricted one."""
    nearest_restricted = (
        select(func.min(FolderClosure.depth))
        .join(
            Folder,
            (Folder.account_id == FolderClosure.account_id)
            & (Folder.id == FolderClosure.ancestor_id),
        )
        .where(
            FolderClosure.account_id == _ACCOUNT_ID,
            FolderClosure.descendant_id == _FOLDER_ID,
            Folder.restricted.is_(True),
        )
        .scalar_subquery()
    )
    return (
        select(FolderClosure.ancestor_id, FolderClosure.depth)
        .where(
            FolderClosure.account_id == _ACCOUNT_ID,
            FolderClosure.descendant_id == _FOLDER_ID,
            FolderClosure.depth <= func.coalesce(nearest_restricted, 1_000_000),
        )
        .subquery()
    )


def _grants(to_groups: CTE | None, *more: ColumnElement[Any]) -> Select[Any]:
    """Return the grants in force that were given to the active user, or to the groups."""
    query = (
        given(to_groups, *more)
        .join(User, (User.account_id == Grant.account_id) & (User.id == _USER_ID))
        .where(Grant.account_id == _ACCOUNT_ID, User.active.is_(True), in_force(_AT))
    )
    return query.where(Grant.user_id == _USER_ID) if to_groups is None else query


@cache
def _everywhere() -> CompoundSelect[Any]:
    """Return the query of :func:`grants_held`."""
    return union_all(_grants(None), _grants(groups_containing(_ACCOUNT_ID, _USER_ID)))


def given(to_groups: CTE | None, *more: ColumnElement[Any]) -> Select[Any]:
    """Return the query of grants to users, or to groups, with their roles.

    :func:`held` reads its rows. It is to be narrowed to an account.
    """
    group_name = cast(null(), String) if to_groups is None else Group.display_name
    query: Select[*tuple[Any, ...]] = (
        select(
            Grant.id,
            Role.scope,
            Grant.role_id,
            Role.name.label("role_name"),
            Role.built_in,
            Role.permissions,
            Grant.folder_id,
            Grant.group_id,
            group_name.label("group_name"),
            Grant.origin,
            Grant.granted_by,
            Grant.reason,
            Grant.created_at,
            Grant.not_before,
            Grant.expires_at,
            *more,
        )
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
    )
    if to_groups is None:
        return query
    # IN, since of a join SQLite would rather begin with every group of the account.
    return query.join(
        Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id)
    ).where(Grant.group_id.in_(select(to_groups.c.group_id)))


def held(row: Any, depth: int | None) -> HeldGrant:
    """Return a grant as it was read (see :func:`given`).

    :param depth: See :class:`HeldGrant`.
    """
    return HeldGrant(
        id=row.id,
        scope=row.scope,
        role_id=row.role_id,
        role_name=row.role_name,
        permissions=permissions_of(row.scope, row.role_id, row.built_in, row.permissions),
        folder_id=row.folder_id,
        depth=depth,
        group_id=row.group_id,
        group_name=row.group_name,
        origin=row.origin,
        granted_by=row.granted_by,
        reason=row.reason,
        created_at=row.created_at,
        not_before=row.not_before,
        expires_at=row.expires_at,
    )
