"""Who gains or loses which roles and folders, from one state of the account to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.access.decisions import account_roles
from app.access.folders import VisibleFolder, folders_visible_to
from app.store.database import db
from app.store.models import FolderClosure, Grant, Membership, NestedGroup, User

USERS_LIMIT = 25
"""Of how many users the access is compared."""
FOLDERS_LIMIT = 500
"""How many folders of each user are compared."""


@dataclass(frozen=True)
class Access:
    """What one user may reach."""

    user_name: str
    account_roles: frozenset[str] = frozenset()
    folders: dict[str, VisibleFolder] = field(default_factory=dict)
    """By id."""


@dataclass(frozen=True)
class UserChange:
    """What one user gains and loses. A folder says the roles gained or lost there."""

    user_id: str
    user_name: str
    gained_roles: frozenset[str]
    lost_roles: frozenset[str]
    gained_folders: tuple[VisibleFolder, ...]
    lost_folders: tuple[VisibleFolder, ...]


@dataclass(frozen=True)
class Difference:
    changes: list[UserChange]
    truncated: bool
    """Whether there were more users or folders than are compared."""


def access_of(account_id: str, user_ids: Iterable[str]) -> dict[str, Access]:
    """Return the access of users as things stand; those that do not exist are left out.

    Of more than ``USERS_LIMIT`` users, the first by id are looked at.
    """
    wanted = sorted(set(user_ids))[:USERS_LIMIT]
    rows = db.session.execute(
        select(User.id, User.user_name).where(User.account_id == account_id, User.id.in_(wanted))
    )
    return {
        row.id: Access(
            row.user_name,
            frozenset(grant.role_name for grant in account_roles(account_id, row.id)),
            {folder.id: folder for folder in folders_visible_to(account_id, row.id, FOLDERS_LIMIT)},
        )
        for row in rows
    }


def difference(before: dict[str, Access], after: dict[str, Access]) -> Difference:
    """Return what each user gains and loses; those for whom nothing changes are left out."""
    changes = []
    for user_id in sorted(before.keys() | after.keys()):
        change = _change(user_id, before.get(user_id), after.get(user_id))
        if change is not None:
            changes.append(change)
    full = any(
        len(access.folders) >= FOLDERS_LIMIT for access in (*before.values(), *after.values())
    )
    return Difference(changes, full or len(before.keys() | after.keys()) >= USERS_LIMIT)


def users_affected_by(account_id: str, events: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ids of users whose access the changes of one transaction may touch.

    It asks the account as it stands, so it is to be asked before the changes and after them.
    Stops beyond ``USERS_LIMIT``.

    :param events: Audit events, as ``directory.work`` records them.
    """
    users: set[str] = set()
    groups: set[str] = set()
    folders: set[str] = set()
    for event in events:
        if event["action"] in ("group.members_added", "group.members_removed"):
            users |= set(event["after"]["members"])
            groups |= set(event["after"]["members"])
            continue
        target = {"user": users, "group": groups, "folder": folders}.get(event["target_type"])
        if target is not None and event["target_id"]:
            target.add(event["target_id"])
    if folders:
        holders = _holders_on(account_id, folders)
        users |= {row.user_id for row in holders if row.user_id}
        groups |= {row.group_id for row in holders if row.group_id}
    return sorted(_existing(account_id, users) | _members_of(account_id, groups))


def _change(user_id: str, before: Access | None, after: Access | None) -> UserChange | None:
    name = (after or before or Access("")).user_name
    old, new = before or Access(name), after or Access(name)
    change = UserChange(
        user_id,
        name,
        gained_roles=new.account_roles - old.account_roles,
        lost_roles=old.account_roles - new.account_roles,
        gained_folders=_more(new.folders, old.folders),
        lost_folders=_more(old.folders, new.folders),
    )
    nothing = not (change.gained_roles or change.lost_roles)
    return None if nothing and not (change.gained_folders or change.lost_folders) else change


def _more(
    these: dict[str, VisibleFolder], those: dict[str, VisibleFolder]
) -> tuple[VisibleFolder, ...]:
    """Return the roles on these folders that those do not have, by path."""
    found = []
    for folder in these.values():
        other = those.get(folder.id)
        roles = tuple(each for each in folder.roles if other is None or each not in other.roles)
        if roles:
            found.append(VisibleFolder(folder.id, folder.path, roles))
    return tuple(sorted(found, key=lambda folder: folder.path))


def _existing(account_id: str, ids: set[str]) -> set[str]:
    query = select(User.id).where(User.account_id == account_id)
    wanted = sorted(ids)[: USERS_LIMIT * 2]
    return set(db.session.scalars(query.where(User.id.in_(wanted)).limit(USERS_LIMIT + 1)))


def _members_of(account_id: str, group_ids: set[str]) -> set[str]:
    """Return the users in groups, and in the groups in them."""
    wanted = sorted(group_ids)[: USERS_LIMIT * 2]
    if not wanted:
        return set()
    inside = (
        select(NestedGroup.member_id)
        .where(NestedGroup.account_id == account_id, NestedGroup.group_id.in_(wanted))
        .cte(recursive=True)
    )
    inside = inside.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == inside.c.member_id
        )
    )
    query = select(Membership.user_id).where(
        Membership.account_id == account_id,
        Membership.group_id.in_(wanted) | Membership.group_id.in_(select(inside.c.member_id)),
    )
    return set(db.session.scalars(query.distinct().limit(USERS_LIMIT + 1)))


def _holders_on(account_id: str, folder_ids: set[str]) -> Sequence[Any]:
    """Return who holds grants on folders, on those above them and on those below."""
    wanted = sorted(folder_ids)[:USERS_LIMIT]
    above = select(FolderClosure.ancestor_id).where(
        FolderClosure.account_id == account_id, FolderClosure.descendant_id.in_(wanted)
    )
    below = select(FolderClosure.descendant_id).where(
        FolderClosure.account_id == account_id, FolderClosure.ancestor_id.in_(wanted)
    )
    query = select(Grant.user_id, Grant.group_id).where(
        Grant.account_id == account_id,
        Grant.folder_id.in_(above) | Grant.folder_id.in_(below),
    )
    return db.session.execute(query.distinct().limit(USERS_LIMIT * 10)).all()
