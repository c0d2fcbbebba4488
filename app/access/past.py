"""An account as it was at a time: its tables, put right by what has changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from heapq import merge
from typing import Any

from sqlalchemy import select

from app.access.grants import in_force
from app.access.permissions import permissions_of
from app.access.since import Columns, changes_since
from app.access.tree import CHUNK, Step
from app.store.database import db
from app.store.models import Account, Folder, Grant, Group, Membership, NestedGroup, Role, User
from app.store.types import comparison_key, now
from app.words import Said, say


class NotInHistory(ValueError):
    """What was asked about was not there then. The message says what, for people."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)


@dataclass(frozen=True)
class UserThen:
    id: str
    user_name: str
    active: bool


@dataclass(frozen=True)
class RoleThen:
    scope: str
    name: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class GrantThen:
    id: str
    user_id: str | None
    group_id: str | None
    role_id: str
    folder_id: str | None
    origin: str
    granted_by: str
    reason: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None

    def held_at(self, at: datetime) -> bool:
        started = self.not_before is None or self.not_before <= at
        return started and (self.expires_at is None or self.expires_at > at)


@contextmanager
def the_past(account_id: str, at: datetime) -> Iterator[Past]:
    """Enclose questions about an account at a time: all are answered from one state of the tables.

    It ends the transaction that is open, so it must not be used within a write.

    :raises NotInHistory: When the time has no zone, lies ahead, or the account was not there yet.
    """
    db.session.rollback()
    if db.session.get_bind().dialect.name != "sqlite":
        # A write between two of our statements would be in neither the events nor the rows.
        # SQLite sees no such write anyway.
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        _check_time(account_id, at)
        yield Past(account_id, at)
    finally:
        db.session.rollback()


def _check_time(account_id: str, at: datetime) -> None:
    if at.tzinfo is None:
        raise NotInHistory(say("A time needs its zone, such as 2026-05-01T12:00+02:00."))
    if at > now():
        raise NotInHistory(say("That time lies ahead. Only what was is known."))
    since = db.session.scalar(select(Account.created_at).where(Account.id == account_id))
    if since is None:
        raise NotInHistory(say("There is no such account."))
    if at < since:
        raise NotInHistory(say("The account was not there yet: it was made at %(at)s.", at=since))


class Past:
    """An account at a time. What it reads grows with what is asked for, not with the account."""

    def __init__(self, account_id: str, at: datetime) -> None:
        self.account_id, self.at = account_id, at
        self.since = changes_since(account_id, at)
        self._steps: dict[str, Step] = {}

    # -- users, groups and roles ------------------------------------------------

    def users(self, ids: Collection[str]) -> dict[str, UserThen]:
        """Return the users of these ids that there were."""
        found = self._as_they_were(User, ("user_name", "active"), ids, self.since.users)
        return {
            id_: UserThen(id_, was["user_name"], bool(was["active"])) for id_, was in found.items()
        }

    def user_named(self, name: str) -> UserThen | None:
        """Return a user by id, by the userName it had or else by the one it has, in any case."""
        key = comparison_key(name)
        renamed = (
            id_
            for id_, was in self.since.users.items()
            if "user_name" in was and comparison_key(was["user_name"]) == key
        )
        query = select(User.id).where(User.account_id == self.account_id, User.user_name_key == key)
        candidates = [name, *renamed, *db.session.scalars(query)]
        users = self.users(candidates)
        return next((users[id_] for id_ in candidates if id_ in users), None)

    def group_names(self, ids: Collection[str]) -> dict[str, str]:
        """Return the names of the groups of these ids that there were."""
        found = self._as_they_were(Group, ("display_name",), ids, self.since.groups)
        return {id_: was["display_name"] for id_, was in found.items()}

    @cached_property
    def roles(self) -> dict[str, RoleThen]:
        """All roles by id. What the built-in ones permitted is taken to be what they permit now."""
        query = select(Role.id).where(Role.account_id == self.account_id)
        ids = {*db.session.scalars(query), *self.since.roles}
        names = ("scope", "name", "built_in", "permissions")
        found = self._as_they_were(Role, names, ids, self.since.roles)
        return {id_: _role(id_, was) for id_, was in found.items()}

    def groups_of(self, user_ids: Collection[str]) -> dict[str, set[str]]:
        """Return the groups that each user was right in."""
        found: dict[str, set[str]] = {each: set() for each in user_ids}
        query = select(Membership.user_id, Membership.group_id)
        for row in self._where(query, Membership, Membership.user_id, user_ids):
            found[row.user_id].add(row.group_id)
        for user_id, groups in found.items():
            changed = self.since.memberships.get(user_id, {})
            groups.difference_update(changed)
            groups.update(each for each, was_in in changed.items() if was_in)
        return found

    def people_in(self, groups: Collection[str], also: Iterable[str], after: str) -> Iterator[str]:
        """Return in order the ids of users who may have been right in one of the groups.

        All who were are among them; :meth:`groups_of` tells who of them was.

        :param also: Others among whom they come.
        :param after: Only ids after this one.
        """
        ordered = sorted(groups)
        chunks = [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]
        known = set(groups)
        changed = {
            user_id
            for user_id, those in self.since.memberships.items()
            if any(was_in and each in known for each, was_in in those.items())
        }
        beside = sorted(each for each in changed.union(also) if each > after)
        last = None
        for each in merge(beside, *(self._members(chunk, after) for chunk in chunks)):
            if each != last:
                yield each
            last = each

    def outer_groups(self, starts: Collection[str], *, inwards: bool) -> dict[str, set[str]]:
        """Return which groups lay right in which: by each one, the groups it was in.

        :param inwards: Those inside of the groups to start from; otherwise those around them.
        """
        found: dict[str, set[str]] = defaultdict(set)
        seen, level = set(starts), set(starts)
        while level:
            pairs = self._nested(level, inwards=inwards)
            for group_id, member_id in pairs:
                found[member_id].add(group_id)
            level = {pair[1 if inwards else 0] for pair in pairs} - seen
            seen |= level
        return found

    def _members(self, groups: list[str], after: str) -> Iterator[str]:
        query = (
            select(Membership.user_id)
            .where(Membership.account_id == self.account_id, Membership.group_id.in_(groups))
            .distinct()
            .order_by(Membership.user_id)
            .limit(CHUNK)
        )
        while page := db.session.scalars(query.where(Membership.user_id > after)).all():
            yield from page
            if len(page) < CHUNK:
                return
            after = page[-1]

    def _nested(self, ids: set[str], *, inwards: bool) -> set[tuple[str, str]]:
        """Return the pairs of group and member of which one side is among the ids."""
        key = NestedGroup.group_id if inwards else NestedGroup.member_id
        query = select(NestedGroup.group_id, NestedGroup.member_id)
        rows = self._where(query, NestedGroup, key, ids)
        stored = {(row.group_id, row.member_id) for row in rows}
        side = 0 if inwards else 1
        changed = self.since.nested
        return {pair for pair in stored if pair not in changed} | {
            pair for pair, was_in in changed.items() if was_in and pair[side] in ids
        }

    # -- folders ----------------------------------------------------------------

    def ways_up(self, folder_ids: Iterable[str]) -> dict[str, list[Step]]:
        """Return for each folder there was the way up: itself first, the root last."""
        wanted = set(folder_ids)
        level = wanted
        while level:
            level = {step.parent_id for step in self._load(level) if step.parent_id}
        ways = {}
        for each in wanted & self._steps.keys():
            way, step = [], self._steps.get(each)
            while step is not None:
                way.append(step)
                step = self._steps.get(step.parent_id) if step.parent_id else None
            ways[each] = way
        return ways

    def folder_named(self, name: str) -> str | None:
        """Return the id of a folder that there was, by its id or the path it had."""
        if not name.startswith("/"):
            return name if self._load([name]) else None
        query = select(Folder.id).where(
            Folder.account_id == self.account_id, Folder.parent_id.is_(None)
        )
        here = db.session.scalar(query)
        for part in name.split("/"):
            if part.strip() and here is not None:
                here = self._child_named(here, comparison_key(part.strip()))
        return here

    def folders_from(self, starts: Iterable[str], limit: int, *, restricted: bool) -> list[str]:
        """Return the ids of folders and of all that lay in them, those further up first.

        :param restricted: Whether those in them that were restricted count too.
        """
        found: dict[str, Step] = {}
        level = self._load(starts)
        while level and len(found) < limit:
            found |= {step.id: step for step in level}
            inside = self._inside([step.id for step in level], limit, restricted)
            level = [
                step
                for step in inside
                if step.id not in found and (restricted or not step.restricted)
            ]
        return list(found)[:limit]

    @property
    def root(self) -> str | None:
        return self.folder_named("/")

    def _load(self, ids: Iterable[str]) -> list[Step]:
        """Return those of the folders that there were."""
        wanted = set(ids)
        names = ("name", "parent_id", "restricted")
        found = self._as_they_were(Folder, names, wanted - self._steps.keys(), self.since.folders)
        self._steps |= {id_: _step(id_, was) for id_, was in found.items()}
        return [self._steps[each] for each in sorted(wanted & self._steps.keys())]

    def _inside(self, parent_ids: list[str], limit: int, restricted: bool) -> list[Step]:
        """Return what lay right in some folders; of much, at least so many as the limit says."""
        found = [step for each in parent_ids for step in self._changed_in.get(each, ())]
        query = select(Folder.id, Folder.name, Folder.parent_id, Folder.restricted).limit(
            limit + len(self.since.folders)
        )
        if not restricted:
            query = query.where(Folder.restricted.is_(False))
        for row in self._where(query, Folder, Folder.parent_id, parent_ids):
            if row.id not in self.since.folders:
                self._steps[row.id] = _step(row.id, row._mapping)
                found.append(self._steps[row.id])
        return [step for step in found if restricted or not step.restricted]

    def _child_named(self, parent_id: str, key: str) -> str | None:
        for step in self._changed_in.get(parent_id, ()):
            if comparison_key(step.name) == key:
                return step.id
        query = select(Folder.id).where(
            Folder.account_id == self.account_id,
            Folder.parent_id == parent_id,
            Folder.name_key == key,
        )
        found = db.session.scalar(query)
        return None if found in self.since.folders else found

    @cached_property
    def _changed_in(self) -> dict[str | None, list[Step]]:
        """The folders that have changed since, as they were, by the folder they lay in."""
        found = defaultdict(list)
        for step in self._load(self.since.folders):
            found[step.parent_id].append(step)
        return found

    # -- grants -----------------------------------------------------------------

    def grants_on(self, folder_ids: Collection[str]) -> list[GrantThen]:
        """Return the grants in force on the account, and on these folders."""
        places = {None, *folder_ids}
        conditions = (Grant.folder_id.is_(None), Grant.folder_id.in_(folder_ids))
        return self._grants(conditions, lambda grant: grant.folder_id in places)

    def grants_to(self, user_id: str, group_ids: Collection[str]) -> list[GrantThen]:
        """Return the grants in force to a user and to these groups."""
        groups = sorted(group_ids)
        chunks = [groups[start : start + CHUNK] for start in range(0, len(groups), CHUNK)]
        conditions = [Grant.user_id == user_id, *(Grant.group_id.in_(chunk) for chunk in chunks)]
        known = set(groups)
        return self._grants(
            conditions, lambda grant: grant.user_id == user_id or grant.group_id in known
        )

    def _grants(
        self, conditions: Iterable[Any], fits: Callable[[GrantThen], bool]
    ) -> list[GrantThen]:
        """Return the grants in force that meet one of the conditions, said in both ways."""
        columns = [getattr(Grant, name) for name in GrantThen.__dataclass_fields__]
        query = select(*columns).where(Grant.account_id == self.account_id, in_force(self.at))
        found = [
            GrantThen(**row._mapping)
            for condition in conditions
            for row in db.session.execute(query.where(condition))
            if row.id not in self.since.grants
        ]
        for was in self.since.grants.values():
            if was["existed"]:
                grant = GrantThen(**{name: was[name] for name in GrantThen.__dataclass_fields__})
                if fits(grant) and grant.held_at(self.at):
                    found.append(grant)
        return [grant for grant in found if grant.role_id in self.roles]

    # -- rows -------------------------------------------------------------------

    def _as_they_were(
        self, table: Any, names: Iterable[str], ids: Collection[str], changed: dict[str, Columns]
    ) -> dict[str, Columns]:
        """Return by id the columns of the rows that there were."""
        query = select(table.id, *(getattr(table, name) for name in names))
        found = {row.id: dict(row._mapping) for row in self._where(query, table, table.id, ids)}
        for id_ in changed.keys() & set(ids):
            if changed[id_]["existed"]:
                found[id_] = found.get(id_, {}) | changed[id_]
            else:
                found.pop(id_, None)
        return found

    def _where(self, query: Any, table: Any, key: Any, ids: Iterable[str]) -> Iterator[Any]:
        """Ask for rows of the account by a key, so many at once as one statement takes."""
        ordered = sorted(set(ids))
        query = query.where(table.account_id == self.account_id)
        for start in range(0, len(ordered), CHUNK):
            yield from db.session.execute(query.where(key.in_(ordered[start : start + CHUNK])))


def _role(id_: str, was: Columns) -> RoleThen:
    permitted = permissions_of(was["scope"], id_, was.get("built_in", False), was["permissions"])
    return RoleThen(was["scope"], was["name"], permitted)


def _step(id_: str, was: Any) -> Step:
    return Step(id_, was["name"], was["parent_id"], was["restricted"])
