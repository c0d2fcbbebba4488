"""Who gains or loses which roles and folders, from one state of the account to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, or_, select, union

from app.access.decisions import account_roles
from app.access.folders import VISIBLE, VisibleFolder, folders_visible_to
from app.access.grants import roles_permitting
from app.store.database import db
from app.store.models import FolderClosure, Grant, Group, Membership, NestedGroup, User

USERS_LIMIT = 25
"""Of how many users the access is compared."""
FOLDERS_LIMIT = 500
"""How many folders of each user are compared."""
CHUNK = 500
FOLDER_COMES_OR_GOES = ("folder.created", "folder.deleted")
"""The changes that those feel too who see every folder by their role on the account."""


@dataclass(frozen=True)
class Access:
    """What one user may reach."""

    user_name: str
    account_roles: frozenset[str] = frozenset()
    folders: dict[str, VisibleFolder] = field(default_factory=dict)
    """By id, the oldest if there are too many."""

    @property
    def is_cut_off(self) -> bool:
        return len(self.folders) > FOLDERS_LIMIT

    def up_to(self, last: str | None) -> Access:
        """Return it without the folders after one: what lies there is known of one side only."""
        if last is None:
            return self
        kept = {each: folder for each, folder in self.folders.items() if each <= last}
        return replace(self, folders=kept)


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

    Of users and of folders one more is looked at than is compared, the first by id each, so that
    :func:`difference` knows whether there are more.
    """
    wanted = sorted(set(user_ids))[: USERS_LIMIT + 1]
    rows = db.session.execute(
        select(User.id, User.user_name).where(User.account_id == account_id, User.id.in_(wanted))
    )
    return {row.id: _access(account_id, row.id, row.user_name) for row in rows}


def difference(before: dict[str, Access], after: dict[str, Access]) -> Difference:
    """Return what each user gains and loses; those for whom nothing changes are left out."""
    users = sorted(before.keys() | after.keys())
    truncated = len(users) > USERS_LIMIT
    changes = []
    for user_id in users[:USERS_LIMIT]:
        old, new = before.get(user_id), after.get(user_id)
        name = (new or old or Access("")).user_name
        old, new = old or Access(name), new or Access(name)
        last = min((max(each.folders) for each in (old, new) if each.is_cut_off), default=None)
        change = _change(user_id, old.up_to(last), new.up_to(last))
        truncated |= last is not None
        if change is not None:
            changes.append(change)
    return Difference(changes, truncated)


def users_affected_by(account_id: str, events: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ids of users whose access the changes of one transaction may touch.

    It asks the account as it stands, so it is to be asked before the changes and after them.
    Stops when there are more than ``USERS_LIMIT``.

    :param events: Audit events, as ``directory.work`` records them.
    """
    named = sorted(_named_in(events))
    comes_or_goes = any(event["action"] in FOLDER_COMES_OR_GOES for event in events)
    everywhere = roles_permitting(account_id, VISIBLE)["account"] if comes_or_goes else []
    users: set[str] = set()
    for start in range(0, len(named), CHUNK):
        some = named[start : start + CHUNK]
        users.update(db.session.scalars(_affected(account_id, some, everywhere)))
        if len(users) > USERS_LIMIT:
            break
    return sorted(users)


def _access(account_id: str, user_id: str, user_name: str) -> Access:
    return Access(
        user_name,
        frozenset(grant.role_name for grant in account_roles(account_id, user_id)),
        {each.id: each for each in folders_visible_to(account_id, user_id, FOLDERS_LIMIT + 1)},
    )


def _change(user_id: str, old: Access, new: Access) -> UserChange | None:
    change = UserChange(
        user_id,
        new.user_name,
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


def _named_in(events: Sequence[dict[str, Any]]) -> set[str]:
    """Return the ids of the users, groups and folders that changes are about."""
    named = set()
    for event in events:
        if event["action"] in ("group.members_added", "group.members_removed"):
            named.update(event["after"]["members"])  # For the other members nothing changes.
        elif event["target_type"] in ("user", "group", "folder") and event["target_id"]:
            named.add(event["target_id"])
    return named


def _affected(account_id: str, ids: list[str], everywhere: list[str]) -> Select[tuple[str]]:
    """Return the users among ids, in groups among them, or with grants that reach folders there.

    :param everywhere: The account roles that reach the folders too.
    """
    above = select(FolderClosure.ancestor_id).where(
        FolderClosure.account_id == account_id, FolderClosure.descendant_id.in_(ids)
    )
    reaching = (Grant.account_id == account_id) & or_(
        Grant.folder_id.in_(above), Grant.folder_id.is_(None) & Grant.role_id.in_(everywhere)
    )
    groups = union(
        select(Group.id).where(Group.account_id == account_id, Group.id.in_(ids)),
        select(Grant.group_id).where(reaching, Grant.group_id.is_not(None)),
    ).subquery()
    inside = select(groups.c.id).cte(recursive=True)
    inside = inside.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == inside.c.id
        )
    )
    users = union(
        select(User.id).where(User.account_id == account_id, User.id.in_(ids)),
        select(Grant.user_id).where(reaching, Grant.user_id.is_not(None)),
        select(Membership.user_id).where(
            Membership.account_id == account_id, Membership.group_id.in_(select(inside.c.id))
        ),
    ).subquery()
    return select(users.c.id).order_by(users.c.id).limit(USERS_LIMIT + 1)
