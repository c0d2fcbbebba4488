"""Which grants reach a user: on a folder, on the account, in force at a time. Read-only SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    String,
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
    """How many folders above the asked one it was given; None for a role on the account."""
    group_id: str | None
    group_name: str | None
    origin: str
    granted_by: str
    reason: str


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
    groups = groups_containing(account_id, user_id)
    branches = []
    for by_group in (False, True):
        on_account = _on_account(account_id, user_id, groups, by_group, at)
        if folder_id is not None:
            on_account = on_account.where(_is_folder(account_id, folder_id))
            branches.append(_on_folder(account_id, user_id, folder_id, groups, by_group, at))
        branches.append(on_account)
    return [_held(row) for row in db.session.execute(union_all(*branches))]


def in_force(at: datetime) -> ColumnElement[bool]:
    """Return the condition that a grant is in force at a time."""
    started = or_(Grant.not_before.is_(None), Grant.not_before <= at)
    return started & or_(Grant.expires_at.is_(None), Grant.expires_at > at)


def _on_account(
    account_id: str, user_id: str, groups: CTE, by_group: bool, at: datetime
) -> Select[Any]:
    query = _grants(account_id, user_id, groups, by_group, at, cast(null(), Integer))
    return query.where(Grant.folder_id.is_(None))


def _on_folder(
    account_id: str, user_id: str, folder_id: str, groups: CTE, by_group: bool, at: datetime
) -> Select[Any]:
    ancestors = _ancestors(account_id, folder_id)
    query = _grants(account_id, user_id, groups, by_group, at, ancestors.c.depth)
    return query.join(ancestors, Grant.folder_id == ancestors.c.ancestor_id)


def _is_folder(account_id: str, folder_id: str) -> ColumnElement[bool]:
    return exists().where(Folder.account_id == account_id, Folder.id == folder_id)


def _ancestors(account_id: str, folder_id: str) -> NamedFromClause:
    """Return the folder and its ancestors up to the nearest restricted one."""
    nearest_restricted = (
        select(func.min(FolderClosure.depth))
        .join(
            Folder,
            (Folder.account_id == FolderClosure.account_id)
            & (Folder.id == FolderClosure.ancestor_id),
        )
        .where(
            FolderClosure.account_id == account_id,
            FolderClosure.descendant_id == folder_id,
            Folder.restricted.is_(True),
        )
        .scalar_subquery()
    )
    return (
        select(FolderClosure.ancestor_id, FolderClosure.depth)
        .where(
            FolderClosure.account_id == account_id,
            FolderClosure.descendant_id == folder_id,
            FolderClosure.depth <= func.coalesce(nearest_restricted, 1_000_000),
        )
        .subquery()
    )


def _grants(
    account_id: str,
    user_id: str,
    groups: CTE,
    by_group: bool,
    at: datetime,
    depth: ColumnElement[Any],
) -> Select[Any]:
    """Return the grants given to the user, or to the groups, with their roles."""
    group_name = Group.display_name if by_group else cast(null(), String)
    query = (
        select(
            Grant.id,
            Role.scope,
            Grant.role_id,
            Role.name.label("role_name"),
            Role.built_in,
            Role.permissions,
            Grant.folder_id,
            depth.label("depth"),
            Grant.group_id,
            group_name.label("group_name"),
            Grant.origin,
            Grant.granted_by,
            Grant.reason,
        )
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .join(User, (User.account_id == Grant.account_id) & (User.id == user_id))
        .where(Grant.account_id == account_id, User.active.is_(True), in_force(at))
    )
    if not by_group:
        return query.where(Grant.user_id == user_id)
    return query.join(groups, groups.c.group_id == Grant.group_id).join(
        Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id)
    )


def _held(row: Any) -> HeldGrant:
    return HeldGrant(
        id=row.id,
        scope=row.scope,
        role_id=row.role_id,
        role_name=row.role_name,
        permissions=permissions_of(row.scope, row.role_id, row.built_in, row.permissions),
        folder_id=row.folder_id,
        depth=row.depth,
        group_id=row.group_id,
        group_name=row.group_name,
        origin=row.origin,
        granted_by=row.granted_by,
        reason=row.reason,
    )
