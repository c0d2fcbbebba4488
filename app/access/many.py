"""Which grants reach whom where, for many users and folders at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    func,
    select,
    tuple_,
    union_all,
)

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
    given_to = _Given(rows)
    return {place: list(given_to.reaching(place, ways)) for place in places}


def grants_near_each(
    account_id: str, user_ids: list[str], folder_ids: list[str], at: datetime
) -> dict[Place, list[HeldGrant]]:
    """Return the grants of active users on the account, on folders and on all above these.

    One statement. They stand where they were given: what is restricted is not looked at.
    """
    values = {"user_ids": user_ids, "folder_ids": folder_ids}
    given_to = _Given(_near.all(account_id=account_id, at=at, **values))
    found: dict[Place, list[HeldGrant]] = defaultdict(list)
    for user_id in user_ids:
        for grant in given_to.all(user_id):
            found[user_id, grant.folder_id].append(grant)
    return found


class _Given:
    """Grants by whom and where they were given to, and who is in the groups among these."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._grants: dict[str, dict[str | None, list[HeldGrant]]] = {}
        """By principal and folder."""
        self._groups: dict[str, list[str]] = defaultdict(list)
        """Of each user."""
        for row in rows:
            principal = row.group_id or row.user_id
            if principal not in self._grants:
                self._grants[principal] = defaultdict(list)
                for user_id in row.holders or ():
                    self._groups[user_id].append(principal)
            self._grants[principal][row.folder_id].append(held(row, None))

    def all(self, user_id: str) -> Iterator[HeldGrant]:
        """Return all grants that reach a user, where they were given."""
        for by_folder in self._of(user_id):
            yield from chain.from_iterable(by_folder.values())

    def reaching(self, place: Place, ways: dict[str, list[Step]]) -> Iterator[HeldGrant]:
        """Return the grants that reach a user on a folder, or on the account."""
        user_id, folder_id = place
        if folder_id is not None and folder_id not in ways:
            return
        way = [] if folder_id is None else reaching(ways[folder_id])
        for by_folder in self._of(user_id):
            for depth, step in enumerate(way):
                for grant in by_folder.get(step.id, ()):
                    yield replace(grant, depth=depth)
            yield from by_folder.get(None, ())

    def _of(self, user_id: str) -> Iterator[dict[str | None, list[HeldGrant]]]:
        for principal in (user_id, *self._groups.get(user_id, ())):
            if principal in self._grants:
                yield self._grants[principal]


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
    active, groups = _principals()
    of_users = select(place.c.user_id, place.c.folder_id)
    of_groups = select(groups.c.group_id, place.c.folder_id).join(
        place, place.c.user_id == groups.c.user_id
    )
    return _given_to(
        groups,
        Grant.folder_id.is_(None) & Grant.user_id.in_(active),
        Grant.folder_id.is_(None) & to_one_of(groups),
        Grant.user_id.in_(active) & tuple_(Grant.user_id, Grant.folder_id).in_(of_users),
        tuple_(Grant.group_id, Grant.folder_id).in_(of_groups),
    )


@prepared
def _near() -> CompoundSelect[Any]:
    """Return the query of :func:`grants_near_each`."""
    above = select(FolderClosure.ancestor_id).where(
        FolderClosure.account_id == _ACCOUNT_ID, one_of(FolderClosure.descendant_id, "folder_ids")
    )
    active, groups = _principals()
    principals = Grant.user_id.in_(active), to_one_of(groups)
    places = Grant.folder_id.is_(None), Grant.folder_id.in_(above)
    return _given_to(groups, *(each & place for each in principals for place in places))


def _principals() -> tuple[Select[str], CTE]:
    """Return those of the users who are active, and the groups around these."""
    active = select(User.id).where(
        User.account_id == _ACCOUNT_ID, one_of(User.id, "user_ids"), User.active.is_(True)
    )
    return active, groups_containing_each(_ACCOUNT_ID, active)


def _given_to(groups: CTE, *conditions: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Return the query of grants that meet any of some conditions, and who is in their groups.

    All goes by IN: of joins with few rows of its own, SQLite would make filters by reading all
    users and all grants.
    """
    holders = select(json_lists(groups.c.user_id)).where(groups.c.group_id == Grant.group_id)
    query = given(Grant.user_id.label("user_id"), holders.scalar_subquery().label("holders")).where(
        Grant.account_id == _ACCOUNT_ID, in_force(_AT)
    )
    return union_all(*(query.where(each) for each in conditions))
