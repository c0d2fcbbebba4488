"""What groups may do on folders, cell by cell: of each group what somebody may who is in it alone.

A group has what was given to it and to every group it lies in, on the folder and on those above,
up to and including the nearest restricted one, and by its roles on the account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, exists, func, or_, select, union_all

from app.access.explanation import GivenRole
from app.access.grants import HeldGrant, given, held, in_force, roles_permitting
from app.access.membership import chains_from, groups_around_each
from app.access.permissions import FOLDER_ACTIONS, FOLDER_ROLES
from app.access.tree import Step, path_of, reaching, ways_up
from app.store.database import db
from app.store.models import FolderClosure, Grant, Group, NestedGroup
from app.store.types import now

FEW = 5_000
"""Below how many folders grants are looked for folder by folder, not group by group."""

Place = tuple[str, str]
"""A group and a folder."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a group may do on a folder."""

    permissions: frozenset[str]
    here: bool
    """Whether what was given right on the folder permits all of it."""
    cut_off: bool
    """Whether it would be more, were it not for a restricted folder."""
    below: bool
    """Whether something was given to the group further down."""

    @property
    def role(self) -> str | None:
        """The strongest built-in role all of which is permitted."""
        fitting = [name for name, all_of in FOLDER_ROLES.items() if all_of <= self.permissions]
        return fitting[-1] if fitting else None

    @property
    def is_more(self) -> bool:
        """Whether more is permitted than that role does; without one: whether anything is."""
        return len(self.permissions) > len(FOLDER_ROLES.get(self.role or "", ()))


@dataclass(frozen=True)
class Reasons:
    """Why a group may do what it may on a folder, the nearest grants first."""

    permissions: frozenset[str]
    because: tuple[GivenRole, ...]
    cut_off: tuple[GivenRole, ...]
    """What was given above, and does not reach the folder."""


def cells(
    account_id: str, group_ids: Sequence[str], folder_ids: Sequence[str]
) -> dict[Place, Cell]:
    """Return what each group may do on each folder; nothing of those the account does not have.

    Four statements (one more for each 500 folders), whose cost depends on what was given to
    these groups, not on the size of the account.
    """
    at, ways = now(), ways_up(account_id, folder_ids)
    around = groups_around_each(account_id, list(group_ids))
    places = {step.id for way in ways.values() for step in way}
    given_to = _given(account_id, around, sorted(places), at)
    below = _given_below(account_id, around, sorted(ways), at)
    return {
        (group_id, folder_id): _cell(
            [given_to.get((group_id, step.id), _NOTHING) for step in way],
            len(reaching(way)),
            given_to.get((group_id, None), _NOTHING),
            (group_id, folder_id) in below,
        )
        for group_id in group_ids
        for folder_id, way in ways.items()
    }


def reasons(account_id: str, group_id: str, folder_id: str) -> Reasons:
    """Return every grant that decides what a group may do on a folder, and those cut off.

    At most four statements, whatever the size of the account.
    """
    way = ways_up(account_id, [folder_id]).get(folder_id, [])
    around = groups_around_each(account_id, [group_id])
    given_to = _given(account_id, around, [step.id for step in way], now())
    chains = chains_from(account_id, group_id) if given_to else {}
    near = len(reaching(way))
    because: list[GivenRole] = []
    cut_off: list[GivenRole] = []
    for depth, step in enumerate(way):
        found = because if depth < near else cut_off
        for each in given_to.get((group_id, step.id), ()):
            path = path_of(way[depth:])
            found.append(GivenRole(replace(each, depth=depth), path, _chain(each, chains)))
    if way:
        everywhere = given_to.get((group_id, None), ())
        because += [GivenRole(each, None, _chain(each, chains)) for each in everywhere]
    permissions = _permissions([each.grant for each in because])
    return Reasons(permissions, tuple(because), tuple(cut_off))


def holding(account_id: str, folder_id: str) -> ColumnElement[bool]:
    """Return the condition that a group (:class:`Group`) has something on a folder or below it."""
    roles = roles_permitting(account_id, *FOLDER_ACTIONS)
    way = ways_up(account_id, [folder_id]).get(folder_id, [])
    near = [step.id for step in reaching(way)] if way else []
    below = (FolderClosure.account_id == account_id) & (FolderClosure.ancestor_id == folder_id)
    is_few = _is_few(below)
    in_force_now = (Grant.account_id == account_id) & in_force(now())
    on_account = in_force_now & Grant.folder_id.is_(None) & Grant.role_id.in_(roles["account"])
    on_folder = in_force_now & Grant.role_id.in_(roles["folder"])

    def holds(group_id: Any) -> ColumnElement[bool]:
        if is_few:
            inside = select(FolderClosure.descendant_id).where(below)
            groups = select(Grant.group_id).where(Grant.group_id.is_not(None))
            return group_id.in_(
                union_all(
                    groups.where(on_account),
                    groups.where(on_folder, Grant.folder_id.in_(near)),
                    groups.where(on_folder, Grant.folder_id.in_(inside)),
                )
            )
        is_its = Grant.group_id == group_id
        is_inside = exists().where(below, FolderClosure.descendant_id == Grant.folder_id)
        return or_(
            exists().where(is_its, on_account),
            exists().where(is_its, on_folder, Grant.folder_id.in_(near)),
            exists().where(is_its, on_folder, is_inside),
        )

    inner = (
        select(NestedGroup.member_id)
        .where(NestedGroup.account_id == account_id, holds(NestedGroup.group_id))
        .cte("inside_holders", recursive=True)
    )
    inner = inner.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == inner.c.member_id
        )
    )
    return holds(Group.id) | Group.id.in_(select(inner.c.member_id))


_NOTHING: list[HeldGrant] = []


def _cell(
    way: Sequence[list[HeldGrant]], near: int, everywhere: list[HeldGrant], below: bool
) -> Cell:
    """Return a cell.

    :param way: What was given on the folder, and on each of those above it.
    :param near: How many of these reach it.
    """
    reached = [grant for grants in way[:near] for grant in grants]
    permissions = _permissions([*reached, *everywhere])
    return Cell(
        permissions,
        here=bool(permissions) and _permissions(way[0]) == permissions,
        cut_off=not _permissions([each for grants in way[near:] for each in grants]) <= permissions,
        below=below,
    )


def _permissions(grants: Sequence[HeldGrant]) -> frozenset[str]:
    if not grants:
        return frozenset()
    return frozenset().union(*(grant.permissions for grant in grants)) & FOLDER_ACTIONS


def _given(
    account_id: str, around: CTE, folder_ids: list[str], at: datetime
) -> dict[tuple[str, str | None], list[HeldGrant]]:
    """Return what groups have by grants on some folders and on the account, place by place."""
    query = given(around, around.c.holder_id).where(Grant.account_id == account_id, in_force(at))
    branches = union_all(
        query.where(Grant.folder_id.is_(None)), query.where(Grant.folder_id.in_(folder_ids))
    )
    found: dict[tuple[str, str | None], list[HeldGrant]] = defaultdict(list)
    for row in db.session.execute(branches):
        grant = held(row, None)
        if not grant.permissions.isdisjoint(FOLDER_ACTIONS):
            found[row.holder_id, row.folder_id].append(grant)
    return found


def _given_below(
    account_id: str, around: CTE, folder_ids: list[str], at: datetime
) -> set[Place]:
    """Return the groups and folders where something was given to the group further down."""
    query = (
        select(around.c.holder_id, FolderClosure.ancestor_id)
        .join(Grant, Grant.group_id == around.c.group_id)
        .join(
            FolderClosure,
            (FolderClosure.account_id == Grant.account_id)
            & (FolderClosure.descendant_id == Grant.folder_id),
        )
        .where(
            Grant.account_id == account_id,
            Grant.role_id.in_(roles_permitting(account_id, *FOLDER_ACTIONS)["folder"]),
            in_force(at),
            FolderClosure.ancestor_id.in_(folder_ids),
            FolderClosure.depth > 0,
        )
        .distinct()
    )
    return {(row.holder_id, row.ancestor_id) for row in db.session.execute(query)}


def _is_few(below: ColumnElement[bool]) -> bool:
    some = select(FolderClosure.descendant_id).where(below).limit(FEW + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) <= FEW


def _chain(grant: HeldGrant, chains: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the groups a grant comes through, the group itself first; none: given to itself."""
    chain = chains.get(grant.group_id or "", ())
    return chain if len(chain) > 1 else ()
