"""Which grants reach whom where, for many users and folders at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CTE, CompoundSelect, Select, bindparam, select, union_all

from app.access.grants import HeldGrant, given, held, in_force, to_one_of
from app.access.membership import groups_containing_each
from app.access.tree import Step, reaching, ways_up
from app.store.database import db
from app.store.models import FolderClosure, Grant, User
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
    folder_ids = sorted({folder_id for _, folder_id in places if folder_id is not None})
    ways = ways_up(account_id, folder_ids) if folder_ids else {}
    given_to = grants_near_each(account_id, user_ids, folder_ids, at)
    return {place: list(_reaching(place, given_to, ways)) for place in places}


def grants_near_each(
    account_id: str, user_ids: list[str], folder_ids: list[str], at: datetime
) -> dict[Place, list[HeldGrant]]:
    """Return the grants of active users on the account, on folders and on all above these.

    One statement. They stand where they were given: what is restricted is not looked at.
    """
    found: dict[Place, list[HeldGrant]] = defaultdict(list)
    values = {"account_id": account_id, "user_ids": user_ids, "at": at}
    if folder_ids:
        values["folder_ids"] = folder_ids
    for row in db.session.execute(_statement(bool(folder_ids)), values):
        found[row.holder_id, row.folder_id].append(held(row, None))
    return found


def _reaching(
    place: Place, given_to: dict[Place, list[HeldGrant]], ways: dict[str, list[Step]]
) -> Sequence[HeldGrant]:
    user_id, folder_id = place
    found: list[HeldGrant] = []
    if folder_id is not None:
        if folder_id not in ways:
            return ()
        for depth, step in enumerate(reaching(ways[folder_id])):
            found += [replace(each, depth=depth) for each in given_to.get((user_id, step.id), ())]
    return found + given_to.get((user_id, None), [])


_ACCOUNT_ID = bindparam("account_id", type_=Id)
_USER_IDS = bindparam("user_ids", type_=Id, expanding=True)
_FOLDER_IDS = bindparam("folder_ids", type_=Id, expanding=True)
_AT = bindparam("at", type_=UtcDateTime)


@cache
def _statement(on_folders: bool) -> CompoundSelect[Any]:
    """Return the query of the grants of active users on the account, and on folders and all above.

    Building it takes longer than running it.
    """
    above = select(FolderClosure.ancestor_id).where(
        FolderClosure.account_id == _ACCOUNT_ID, FolderClosure.descendant_id.in_(_FOLDER_IDS)
    )
    branches = []
    for through in (None, groups_containing_each(_ACCOUNT_ID, _USER_IDS)):
        query = _grants(through)
        branches.append(query.where(Grant.folder_id.is_(None)))
        if on_folders:
            branches.append(query.where(Grant.folder_id.in_(above)))
    return union_all(*branches)


def _grants(through: CTE | None) -> Select[Any]:
    holder = Grant.user_id if through is None else through.c.user_id
    query = given(holder.label("holder_id"))
    if through is None:
        query = query.where(Grant.user_id.in_(_USER_IDS))
    else:
        query = query.join(through, through.c.group_id == Grant.group_id).where(to_one_of(through))
    return query.join(User, (User.account_id == Grant.account_id) & (User.id == holder)).where(
        Grant.account_id == _ACCOUNT_ID, User.active.is_(True), in_force(_AT)
    )
