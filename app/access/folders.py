"""Which folders a person sees. What is not shared does not exist for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    exists,
    select,
    union_all,
)

from app.access.decisions import check_action
from app.access.grants import grants_held
from app.access.permissions import FOLDER_ACTIONS
from app.access.tree import path_of, reaching, ways_up
from app.store.database import db, table
from app.store.models import Folder, FolderClosure
from app.store.types import Id, now

VISIBLE = "folder.view"
CHUNK = 50
"""Below how many folders one statement looks."""
_REACHED = table(FolderClosure).alias("reached")
_BARRIER = table(FolderClosure).alias("barrier")


@dataclass(frozen=True)
class VisibleFolder:
    id: str
    path: str
    roles: tuple[str, ...]
    """Names of the roles held there, account roles that reach every folder included."""


@dataclass(frozen=True)
class NamedFolder:
    """A folder of which a person knows the name, and that it lies above one they see."""

    id: str
    name: str
    parent_id: str | None
    path: str


def folders_visible_to(
    account_id: str, user_id: str, limit: int = 500, after: str | None = None
) -> list[VisibleFolder]:
    """Return the folders an active user may see, by path, with all roles that show each.

    :param limit: How many folders at the most, the oldest first.
    :param after: The greatest id of those had already: only those after it.
    """
    found = folders_where(account_id, user_id, VISIBLE, limit=limit, after=after)
    return sorted(found, key=lambda folder: folder.path)


def folders_where(
    account_id: str, user_id: str, action: str, *, limit: int = 500, after: str | None = None
) -> list[VisibleFolder]:
    """Return the folders on which an active user may do an action, by id, with the roles.

    It takes three statements (one more for each 50 folders they have grants on), whose cost
    depends on the limit and on what is cut off below these, not on how many lie there.

    :param limit: How many folders at the most.
    :param after: The id of a folder: only those after it.
    :raises UnknownAction: When the action is none that exists.
    """
    check_action(action)
    held = grants_held(account_id, user_id, now())
    permitting = [grant for grant in held if action in grant.permissions]
    if not permitting or action not in FOLDER_ACTIONS:
        return []
    roles: dict[str | None, set[str]] = {}
    for grant in permitting:
        roles.setdefault(grant.folder_id, set()).add(grant.role_name)
    if None in roles:
        ids = list(db.session.scalars(_all(account_id, after, limit)))
    else:
        ids = _below(account_id, sorted(each for each in roles if each), after, limit)
    found = []
    for folder_id, way in sorted(ways_up(account_id, ids).items()):
        places = [None, *(step.id for step in reaching(way))]
        names = set().union(*(roles.get(place, ()) for place in places))
        if names:
            found.append(VisibleFolder(folder_id, path_of(way), tuple(sorted(names))))
    return found


def names_above(account_id: str, user_id: str, folder_ids: Iterable[str]) -> list[NamedFolder]:
    """Return the folders above those a user sees that show by their names only, by path.

    :param folder_ids: Of these, such as a page of :func:`folders_visible_to`. Those the user does
        not see are left out.
    """
    held = grants_held(account_id, user_id, now())
    shown_by = {grant.folder_id for grant in held if VISIBLE in grant.permissions}
    found: dict[str, NamedFolder] = {}
    for way in ways_up(account_id, folder_ids).values():
        seen = [
            None in shown_by or any(step.id in shown_by for step in reaching(way[depth:]))
            for depth in range(len(way))
        ]
        if not seen[0]:
            continue
        for depth, step in enumerate(way):
            if not seen[depth]:
                path = path_of(way[depth:])
                found[step.id] = NamedFolder(step.id, step.name, step.parent_id, path)
    return sorted(found.values(), key=lambda folder: folder.path)


def paths_of(account_id: str, folder_ids: Iterable[str]) -> dict[str, str]:
    """Return the path of each folder the account has: ``/Brand/2026``; the root is ``/``."""
    return {each: path_of(way) for each, way in ways_up(account_id, folder_ids).items()}


def _all(account_id: str, after: str | None, limit: int) -> Select[str]:
    query = select(Folder.id).where(Folder.account_id == account_id).order_by(Folder.id)
    return (query if after is None else query.where(Folder.id > after)).limit(limit)


def _below(account_id: str, granted: list[str], after: str | None, limit: int) -> list[str]:
    """Return the first ids of folders that grants on these reach.

    Each is asked for its own first ones: together, the database would sort all that lie below.
    """
    values = {"account_id": account_id, "after": after or "", "limit": limit}
    found: set[str] = set()
    for start in range(0, len(granted), CHUNK):
        some = granted[start : start + CHUNK]
        some += [""] * (min(size for size in (1, 8, CHUNK) if size >= len(some)) - len(some))
        places = {f"granted_{number}": each for number, each in enumerate(some)}
        found.update(db.session.scalars(_firsts_below(len(some)), values | places))
    return sorted(found)[:limit]


@cache
def _firsts_below(count: int) -> CompoundSelect[Any]:
    """Return the query of the first folders below each of so many, ``granted_0`` and on.

    Kept, and asked for in three sizes only: making it takes many times as long as asking it.
    """
    places = (bindparam(f"granted_{number}", type_=Id) for number in range(count))
    return union_all(*map(_first_below, places))


def _first_below(granted: BindParameter[str]) -> Select[Any]:
    account_id = bindparam("account_id", type_=Id)
    # A restricted folder strictly nearer than the grant cuts it off.
    cut_off = exists().where(
        _BARRIER.c.account_id == account_id,
        _BARRIER.c.descendant_id == _REACHED.c.descendant_id,
        _BARRIER.c.depth < _REACHED.c.depth,
        Folder.account_id == account_id,
        Folder.id == _BARRIER.c.ancestor_id,
        Folder.restricted.is_(True),
    )
    query = select(_REACHED.c.descendant_id).where(
        _REACHED.c.account_id == account_id,
        _REACHED.c.ancestor_id == granted,
        _REACHED.c.descendant_id > bindparam("after", type_=Id),
        ~cut_off,
    )
    limit = bindparam("limit", type_=Integer)
    first = query.order_by(_REACHED.c.descendant_id).limit(limit).subquery()
    return select(first.c.descendant_id)
