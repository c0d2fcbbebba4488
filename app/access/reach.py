"""What a person reaches, as a tree of folders: one branch at a time, each folder with the reasons.

A folder above a shared one shows by its name alone. What is not shared does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, exists, func, or_, select, true, union
from sqlalchemy.orm import aliased

from app.access.explanation import GivenRole
from app.access.folders import VISIBLE
from app.access.grants import HeldGrant, grants_held, in_force
from app.access.membership import chains_of, groups_containing
from app.access.permissions import FOLDER_ACTIONS
from app.access.tree import Step, path_of, reaching, ways_up
from app.store.database import db
from app.store.models import Folder, FolderClosure, Grant
from app.store.types import now


@dataclass(frozen=True)
class ReachedFolder:
    id: str
    name: str
    path: str
    restricted: bool
    given: tuple[GivenRole, ...]
    """What holds here, the nearest first: given here, on a folder above, on the account."""
    cut_off: tuple[GivenRole, ...]
    """What is given above and does not reach here, because this folder is restricted."""
    opens: bool
    """Whether the person reaches something in it."""

    @property
    def is_seen(self) -> bool:
        """Whether the person sees it; otherwise they know its name at the most."""
        return _shows(self.given)

    @property
    def roles(self) -> list[str]:
        return list(dict.fromkeys(each.grant.role_name for each in self.given))


@dataclass(frozen=True)
class Branch:
    """A folder, and what a person reaches right in it."""

    folder: ReachedFolder
    above: tuple[tuple[str, str], ...]
    """Id and name of each folder above it, the root first."""
    folders: tuple[ReachedFolder, ...]
    """By name."""
    next: str | None
    """What to ask for the rest ``after``; None: these are all."""
    on_account: tuple[GivenRole, ...]
    """Every role the person holds on the account, whatever it permits."""


def branch_of(
    account_id: str,
    user_id: str,
    folder_id: str,
    *,
    with_cut_off: bool = False,
    after: str | None = None,
    limit: int = 100,
) -> Branch | None:
    """Return what an active user reaches in a folder; None where it does not exist for them.

    Five statements at the most. Their cost depends on what the user holds and on the page, not on
    how many folders there are.

    :param with_cut_off: Whether to list restricted folders too that the user does not reach,
        though they reach what these lie in. Not for the user: for them these do not exist.
    :param after: The name of a folder, for comparison: only those after it (see ``next``).
    """
    way = ways_up(account_id, [folder_id]).get(folder_id)
    if way is None:
        return None
    held = _Held(account_id, user_id)
    here = _reached(held, way)
    sees_all = _shows(held.everywhere)
    query = _inside(account_id, user_id, way, held, sees_all, with_cut_off)
    if after is not None:
        query = query.where(Folder.name_key > after)
    rows = db.session.execute(query.order_by(Folder.name_key).limit(limit + 1)).all()
    if not here.is_seen and not rows and way[0].parent_id is not None:
        return None
    folders = (
        _reached(held, [Step(row.id, row.name, folder_id, row.restricted), *way], row)
        for row in rows[:limit]
    )
    return Branch(
        here,
        tuple((step.id, step.name) for step in reversed(way[1:])),
        tuple(folders),
        rows[limit - 1].name_key if len(rows) > limit else None,
        tuple(held.on_account),
    )


class _Held:
    """What a user holds, and how each of it comes to them."""

    def __init__(self, account_id: str, user_id: str) -> None:
        grants = grants_held(account_id, user_id, now())
        through_groups = any(grant.group_id for grant in grants)
        self._chains = chains_of(account_id, user_id) if through_groups else {}
        self._by_folder: dict[str, list[HeldGrant]] = {}
        self.on_account: list[GivenRole] = []
        for grant in sorted(grants, key=lambda grant: grant.id):
            if grant.folder_id is None:
                self.on_account.append(self._given(grant, None))
            else:
                self._by_folder.setdefault(grant.folder_id, []).append(grant)
        self.everywhere = [
            each for each in self.on_account if each.grant.permissions & FOLDER_ACTIONS
        ]
        """What is held on the account and permits something on every folder."""

    @property
    def showing(self) -> set[str]:
        """Ids of the roles by which the user sees folders."""
        grants = (grant for each in self._by_folder.values() for grant in each)
        return {grant.role_id for grant in grants if VISIBLE in grant.permissions}

    def on(self, way: Sequence[Step]) -> list[GivenRole]:
        """Return what is given on the first folder of a way and on those that reach it."""
        return [
            self._given(grant, path_of(way[depth:]))
            for depth, step in enumerate(reaching(way))
            for grant in self._by_folder.get(step.id, ())
        ]

    def _given(self, grant: HeldGrant, path: str | None) -> GivenRole:
        chain = self._chains.get(grant.group_id, ()) if grant.group_id else ()
        return GivenRole(grant, path, chain)


def _shows(given: Iterable[GivenRole]) -> bool:
    return any(VISIBLE in each.grant.permissions for each in given)


def _reached(held: _Held, way: Sequence[Step], row: Any = None) -> ReachedFolder:
    """Return the first folder of a way.

    :param row: Of the query of what lies in a folder; None for that folder.
    """
    folder = way[0]
    given = (*held.on(way), *held.everywhere)
    shares_within = row is None or (row.depth or 0) > 0
    return ReachedFolder(
        folder.id,
        folder.name,
        path_of(way),
        folder.restricted,
        given,
        tuple(held.on(way[1:])) if folder.restricted else (),
        opens=shares_within or (_shows(given) and row.has_folders),
    )


def _inside(
    account_id: str,
    user_id: str,
    way: Sequence[Step],
    held: _Held,
    sees_all: bool,
    with_cut_off: bool,
) -> Select[*tuple[Any, ...]]:
    """Return the query of what a user reaches right in the first folder of a way.

    ``depth`` tells how far below each there is another one shared with them.
    """
    within = aliased(Folder)
    has_folders = exists().where(within.account_id == account_id, within.parent_id == Folder.id)
    if not (sees_all or with_cut_off):
        has_folders = has_folders.where(within.restricted.is_(False))
    shared = _shared_in(account_id, user_id, way[0].id, held.showing)
    is_shared: ColumnElement[bool] = shared.c.folder_id.is_not(None)
    if sees_all:
        wanted: ColumnElement[bool] = true()
    elif _shows(held.on(way)):
        wanted = true() if with_cut_off else or_(Folder.restricted.is_(False), is_shared)
    else:
        wanted = is_shared
    return (
        select(
            Folder.id,
            Folder.name,
            Folder.name_key,
            Folder.restricted,
            shared.c.depth,
            has_folders.label("has_folders"),
        )
        .outerjoin(shared, shared.c.folder_id == Folder.id)
        .where(Folder.account_id == account_id, Folder.parent_id == way[0].id, wanted)
    )


def _shared_in(account_id: str, user_id: str, parent_id: str, roles: Iterable[str]) -> CTE:
    """Return a table of the folders right in one that are shared, or have a shared one below.

    ``depth`` is that of the deepest one. It begins with what the user holds: of each grant, one
    look tells whether it is on a folder below, and which folder right in this one leads there.
    """
    given = select(Grant.folder_id).where(
        Grant.account_id == account_id,
        Grant.folder_id.is_not(None),
        Grant.role_id.in_(sorted(roles)),
        in_force(now()),
    )
    groups = groups_containing(account_id, user_id)
    held = union(
        given.where(Grant.user_id == user_id),
        given.where(Grant.group_id.in_(select(groups.c.group_id))),
    )
    below, up = aliased(FolderClosure), aliased(FolderClosure)
    return (
        select(up.ancestor_id.label("folder_id"), func.max(up.depth).label("depth"))
        .select_from(below)
        .join(up, up.descendant_id == below.descendant_id)
        .where(
            below.account_id == account_id,
            below.ancestor_id == parent_id,
            # IN, since of a join SQLite would rather begin with all that lies below.
            below.descendant_id.in_(held),
            up.account_id == account_id,
            up.depth == below.depth - 1,
        )
        .group_by(up.ancestor_id)
        .cte("shared")
    )
