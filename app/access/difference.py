"""Who gains or loses which roles and folders, from one state of the account to another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, or_, select, union

from app.access.decisions import account_roles
from app.access.folders import VISIBLE, VisibleFolder, folders_visible_to
from app.access.grants import roles_permitting
from app.access.many import grants_near_each
from app.access.tree import Step, path_of, ways_up
from app.store.database import db
from app.store.models import Folder, FolderClosure, Grant, Group, Membership, NestedGroup, User
from app.store.types import now

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
    known_to: str | None = None
    """The id of the last folder looked at; None: there are no more."""

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


def access_of(
    account_id: str, user_ids: Iterable[str], within: Collection[str] | None = None
) -> dict[str, Access]:
    """Return the access of users as things stand; those that do not exist are left out.

    Of users and of folders one more is looked at than is compared, the first by id each, so that
    :func:`difference` knows whether there are more.

    :param within: Folders: only these and what lies in them is looked at, which is much less work
        for users who see much. None: all each of them sees.
    """
    wanted = sorted(set(user_ids))[: USERS_LIMIT + 1]
    rows = db.session.execute(
        select(User.id, User.user_name).where(User.account_id == account_id, User.id.in_(wanted))
    )
    names = {row.id: row.user_name for row in rows}
    if within is not None:
        return _access_within(account_id, names, within)
    return {user_id: _access(account_id, user_id, name) for user_id, name in names.items()}


def folders_touched(account_id: str, events: Sequence[dict[str, Any]]) -> list[str] | None:
    """Return the folders within which changes can give or take access, for ``access_of``.

    None: wherever those whom they concern have any, as when somebody comes into a group.
    """
    touched: set[str | None] = set()
    for event in events:
        kind = event["action"].partition(".")[0]
        if kind == "folder":
            touched.add(event["target_id"])
        elif kind == "grant":
            touched.add((event["before"] or event["after"])["folder_id"])
        elif event["target_type"] in ("user", "group"):
            return None
    if None in touched:
        is_root = (Folder.account_id == account_id) & Folder.parent_id.is_(None)
        touched = {db.session.scalar(select(Folder.id).where(is_root))}
    return sorted(each for each in touched if each)


def difference(before: dict[str, Access], after: dict[str, Access]) -> Difference:
    """Return what each user gains and loses; those for whom nothing changes are left out."""
    users = sorted(before.keys() | after.keys())
    truncated = len(users) > USERS_LIMIT
    changes = []
    for user_id in users[:USERS_LIMIT]:
        old, new = before.get(user_id), after.get(user_id)
        name = (new or old or Access("")).user_name
        old, new = old or Access(name), new or Access(name)
        last = min((each.known_to for each in (old, new) if each.known_to), default=None)
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
    visible = folders_visible_to(account_id, user_id, FOLDERS_LIMIT + 1)
    folders = {each.id: each for each in visible}
    return Access(
        user_name,
        frozenset(grant.role_name for grant in account_roles(account_id, user_id)),
        folders,
        _last_of(folders),
    )


def _last_of(folder_ids: Collection[str]) -> str | None:
    """Return the last of the folders looked at, if there may be more."""
    return max(folder_ids) if len(folder_ids) > FOLDERS_LIMIT else None


def _access_within(
    account_id: str, names: dict[str, str], within: Collection[str]
) -> dict[str, Access]:
    """Return the access of users, of whom the names are given, to folders in some others.

    Three statements (one more for each 500 folders).
    """
    query = select(FolderClosure.descendant_id).where(
        FolderClosure.account_id == account_id, FolderClosure.ancestor_id.in_(within)
    )
    first = query.distinct().order_by(FolderClosure.descendant_id).limit(FOLDERS_LIMIT + 1)
    folder_ids = list(db.session.scalars(first))
    given_to = grants_near_each(account_id, sorted(names), folder_ids, now())
    found = {
        user_id: Access(
            name,
            frozenset(grant.role_name for grant in given_to.get((user_id, None), ())),
            known_to=_last_of(folder_ids),
        )
        for user_id, name in names.items()
    }
    ways = ways_up(account_id, folder_ids)
    shown: dict[str, dict[str | None, set[str]]] = {user_id: {} for user_id in names}
    for (user_id, place), grants in given_to.items():
        shown[user_id][place] = {
            grant.role_name for grant in grants if VISIBLE in grant.permissions
        }
    roles = {user_id: _Roles(given) for user_id, given in shown.items()}
    for folder_id in folder_ids:
        path, same = path_of(ways[folder_id]), {}
        for user_id, access in found.items():
            shown_by = roles[user_id].on(ways[folder_id])
            if shown_by and shown_by not in same:
                same[shown_by] = VisibleFolder(folder_id, path, shown_by)
            if shown_by:
                access.folders[folder_id] = same[shown_by]
    return found


class _Roles:
    """The names of the roles that show a user folders. Neighbours share what is given above."""

    def __init__(self, given: dict[str | None, set[str]]) -> None:
        self._given = given
        self._found: dict[str, tuple[str, ...]] = {}

    def on(self, way: Sequence[Step]) -> tuple[str, ...]:
        """Return those that show the first folder of a way up, sorted."""
        if not way:
            return tuple(sorted(self._given.get(None, ())))
        folder = way[0]
        if folder.id not in self._found:
            above = self.on(() if folder.restricted else way[1:])
            here = self._given.get(folder.id)
            self._found[folder.id] = tuple(sorted({*above, *here})) if here else above
        return self._found[folder.id]


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
