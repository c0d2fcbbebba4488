"""Which grants reach whom where, for many users and folders at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, CompoundSelect, Select, bindparam, func, select, tuple_, union_all

from app.access.grants import HeldGrant, given, held, in_force, to_one_of
from app.access.membership import groups_containing_each
from app.access.tree import Step, reaching, ways_up
from app.store.functions import json_lists
from app.store.models import FolderClosure, Grant, User
from app.store.prepared import each_of, one_of, prepared
from app.store.types import Id, UtcDateTime

Place = tuple[str, str | None]
"""A user and a folder; no folder: the account."""


def grants_reaching_each(
    account_id: str, places: Collection[Place], at: datetime
) -> dict[Place, list[HeldGrant]]:
    """Return for each user and folder what :func:`app.access.grants.grants_reaching` does.

    It takes two statements, however many there are (one more for each 500 folders).
    """
    user_ids = sorted({user_id for user_id, _ in places})
    folder_ids = {folder_id for _, folder_id in places if folder_id is not None}
    ways = ways_up(account_id, folder_ids) if folder_ids else {}
    pairs = {
        (step.id, user_id)
        for user_id, folder_id in places
        for step in reaching(ways.get(folder_id or "", ()))
    }
    rows = _at_places.all(
        account_id=account_id, user_ids=user_ids, pairs=map("".join, pairs), at=at
    )
    return _Given(rows).reaching_each(places, ways)


class _Given:
    """Grants by whom and where they were given to, and who is in the groups among these."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._grants: dict[Place, list[HeldGrant]] = defaultdict(list)
        self._groups: dict[str, set[str]] = defaultdict(set)
        """Of each user."""
        known = set()
        for row in rows:
            self._grants[row.group_id or row.user_id, row.folder_id].append(held(row, None))
            if row.group_id and row.group_id not in known:
                known.add(row.group_id)
                for user_id in row.holders:
                    self._groups[user_id].add(row.group_id)

    def reaching_each(
        self, places: Iterable[Place], ways: dict[str, list[Step]]
    ) -> dict[Place, list[HeldGrant]]:
        found = {}
        for user_id, folder_id in places:
            principals = (user_id, *self._groups.get(user_id, ()))
            found[user_id, folder_id] = [
                grant
                for principal in principals
                for grant in self._reaching(principal, folder_id, ways)
            ]
        return found

    def _reaching(
        self, principal: str, folder_id: str | None, ways: dict[str, list[Step]]
    ) -> Iterator[HeldGrant]:
        if folder_id is not None:
            if folder_id not in ways:
                return
            for depth, step in enumerate(reaching(ways[folder_id])):
                for grant in self._grants.get((principal, step.id), ()):
                    yield replace(grant, depth=depth)
        yield from self._grants.get((principal, None), ())


def grants_near_each(
    account_id: str, user_ids: list[str], folder_ids: list[str], at: datetime
) -> dict[Place, list[HeldGrant]]:
    """Return the grants of active users on the account, on folders and on all above these.

    One statement. They stand where they were given: what is restricted is not looked at.
    """
    found: dict[Place, list[HeldGrant]] = defaultdict(list)
    values = {"user_ids": user_ids, "folder_ids": folder_ids}
    for row in _near.all(account_id=account_id, at=at, **values):
        found[row.holder_id, row.folder_id].append(held(row, None))
    return found


_ACCOUNT_ID = bindparam("account_id", type_=Id)
_AT = bindparam("at", type_=UtcDateTime)
_ID_LENGTH = 36


@prepared
def _at_places() -> CompoundSelect[Any]:
    """Return the query of :func:`grants_reaching_each`, of users and pairs.

    A pair is the id of a folder with that of a user behind it. Without them, each group that
    anybody is in would be looked for on each folder that anybody is asked about.
    """
    pair = each_of("pairs")
    place = select(
        func.substr(pair, 1, _ID_LENGTH).label("folder_id"),
        func.substr(pair, _ID_LENGTH + 1).label("user_id"),
    ).cte("place")
    active = select(User.id).where(
        User.account_id == _ACCOUNT_ID, one_of(User.id, "user_ids"), User.active.is_(True)
    )
    groups = groups_containing_each(_ACCOUNT_ID, active)
    of_users = select(place.c.user_id, place.c.folder_id).where(place.c.user_id.in_(active))
    of_groups = select(groups.c.group_id, place.c.folder_id).join(
        place, place.c.user_id == groups.c.user_id
    )
    # All by IN: of joins with these SQLite would make filters of all users and all grants.
    conditions = (
        Grant.folder_id.is_(None) & Grant.user_id.in_(active),
        Grant.folder_id.is_(None) & to_one_of(groups),
        tuple_(Grant.user_id, Grant.folder_id).in_(of_users),
        tuple_(Grant.group_id, Grant.folder_id).in_(of_groups),
    )
    holders = select(json_lists(groups.c.user_id)).where(groups.c.group_id == Grant.group_id)
    query = given(Grant.user_id.label("user_id"), holders.scalar_subquery().label("holders")).where(
        Grant.account_id == _ACCOUNT_ID, in_force(_AT)
    )
    return union_all(*(query.where(each) for each in conditions))


@prepared
def _near() -> CompoundSelect[Any]:
    """Return the query of :func:`grants_near_each`."""
    above = select(FolderClosure.ancestor_id).where(
        FolderClosure.account_id == _ACCOUNT_ID, one_of(FolderClosure.descendant_id, "folder_ids")
    )
    branches = []
    for through in (None, groups_containing_each(_ACCOUNT_ID, select(each_of("user_ids")))):
        query = _grants(through)
        branches.append(query.where(Grant.folder_id.is_(None)))
        branches.append(query.where(Grant.folder_id.in_(above)))
    return union_all(*branches)


def _grants(through: CTE | None) -> Select[Any]:
    holder = Grant.user_id if through is None else through.c.user_id
    query = given(holder.label("holder_id"))
    if through is None:
        query = query.where(one_of(Grant.user_id, "user_ids"))
    else:
        query = query.join(through, through.c.group_id == Grant.group_id).where(to_one_of(through))
    return query.join(User, (User.account_id == Grant.account_id) & (User.id == holder)).where(
        Grant.account_id == _ACCOUNT_ID, User.active.is_(True), in_force(_AT)
    )
