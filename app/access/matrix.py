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

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    exists,
    func,
    or_,
    select,
    union_all,
)

from app.access.explanation import GivenRole
from app.access.grants import (
    HeldGrant,
    given,
    held,
    in_force,
    permissions_in,
    roles_permitting,
)
from app.access.membership import chains_from, groups_around
from app.access.permissions import FOLDER_ACTIONS, FOLDER_ROLES
from app.access.tree import path_of, reaching, ways_up
from app.store.database import db
from app.store.models import FolderClosure, Grant, Group, NestedGroup
from app.store.types import now

FEW = 3_000
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

    Five statements (one more for each 500 folders), whose cost depends on what was given to
    these groups, not on the size of the account.
    """
    at, ways = now(), ways_up(account_id, folder_ids)
    around = groups_around(account_id, list(group_ids))
    places = {step.id for way in ways.values() for step in way}
    given_to = _given(account_id, around, places, at)
    below = _given_below(account_id, around, sorted(ways), at)
    found = {}
    for folder_id, way in ways.items():
        near = len(reaching(way))
        for group_id in group_ids:
            found[group_id, folder_id] = _cell(
                [given_to.get((group_id, step.id), _NOTHING) for step in way],
                near,
                given_to.get((group_id, None), _NOTHING),
                (group_id, folder_id) in below,
            )
    return found


def reasons(account_id: str, group_id: str, folder_id: str) -> Reasons:
    """Return every grant that decides what a group may do on a folder, and those cut off.

    Five statements, whatever the size of the account.
    """
    way = ways_up(account_id, [folder_id]).get(folder_id, [])
    around = groups_around(account_id, [group_id])
    given_to = _given(account_id, around, {step.id for step in way}, now())
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
    """Return the condition that a group (:class:`Group`) has something on a folder or below it.

    Where few folders lie below, those who hold something there are looked for; else each group
    that is come by is asked, as most have something.
    """
    roles = roles_permitting(account_id, *FOLDER_ACTIONS)
    way = ways_up(account_id, [folder_id]).get(folder_id, [])
    near = [step.id for step in reaching(way)]
    below = (FolderClosure.account_id == account_id) & (FolderClosure.ancestor_id == folder_id)
    counts = (Grant.account_id == account_id) & in_force(now())
    on_account = counts & _has_role(roles["account"]) & Grant.folder_id.is_(None)
    on_folder = counts & _has_role(roles["folder"])
    if _is_few(below):
        inside = select(FolderClosure.descendant_id).where(below)
        holders = select(Grant.group_id)  # none of them where it is to a user
        seeds: Select[Any] | CompoundSelect[Any] = union_all(
            holders.where(on_account),
            holders.where(on_folder, Grant.folder_id.in_(near)),
            holders.where(on_folder, Grant.folder_id.in_(inside)),
        )
        return Group.id.in_(select(_with_inner(account_id, seeds)))

    def holds(group_id: Any) -> ColumnElement[bool]:
        is_its = exists().where(Grant.group_id == group_id)
        is_inside = exists().where(below, FolderClosure.descendant_id == Grant.folder_id)
        return or_(
            is_its.where(on_account),
            is_its.where(on_folder, Grant.folder_id.in_(near)),
            is_its.where(on_folder, is_inside),
        )

    seeds = select(NestedGroup.member_id).where(
        NestedGroup.account_id == account_id, holds(NestedGroup.group_id)
    )
    # The names for SQLite: it goes by them then, and ends with the page.
    has_a_name = Group.display_name_key >= ""
    return has_a_name & or_(holds(Group.id), Group.id.in_(select(_with_inner(account_id, seeds))))


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
    return permissions_in(grants) & FOLDER_ACTIONS


def _given(
    account_id: str, around: dict[str, set[str]], folder_ids: set[str], at: datetime
) -> dict[tuple[str, str | None], list[HeldGrant]]:
    """Return what groups have by grants on some folders and on the account, place by place."""
    query = given().where(Grant.account_id == account_id, in_force(at), _is_to(around))
    branches = union_all(
        query.where(Grant.folder_id.is_(None)),
        query.where(Grant.folder_id.in_(sorted(folder_ids))),
    )
    holders = _holders(around)
    found: dict[tuple[str, str | None], list[HeldGrant]] = defaultdict(list)
    for row in db.session.execute(branches):
        grant = held(row, None)
        if not grant.permissions.isdisjoint(FOLDER_ACTIONS):
            for holder_id in holders[row.group_id]:
                found[holder_id, row.folder_id].append(grant)
    return found


def _given_below(
    account_id: str, around: dict[str, set[str]], folder_ids: list[str], at: datetime
) -> set[Place]:
    """Return the groups and folders where something was given to the group further down.

    It goes from the grants upwards. By the folders, a database would read all that lies in them.
    """
    ancestor_id = func.coalesce(FolderClosure.ancestor_id, "")  # which no index leads to
    query = (
        select(Grant.group_id, FolderClosure.ancestor_id)
        .join(
            FolderClosure,
            (FolderClosure.account_id == Grant.account_id)
            & (FolderClosure.descendant_id == Grant.folder_id),
        )
        .where(
            Grant.account_id == account_id,
            _has_role(roles_permitting(account_id, *FOLDER_ACTIONS)["folder"]),
            in_force(at),
            _is_to(around),
            ancestor_id.in_(folder_ids),
            FolderClosure.depth > 0,
        )
        .distinct()
    )
    holders = _holders(around)
    return {
        (holder_id, row.ancestor_id)
        for row in db.session.execute(query)
        for holder_id in holders[row.group_id]
    }


def _has_role(role_ids: list[str]) -> ColumnElement[bool]:
    """Return the condition that a grant is of one of these roles, which most grants are of."""
    role_id = func.coalesce(Grant.role_id, "")  # which no index leads to, either
    condition: ColumnElement[bool] = role_id.in_(role_ids)
    return condition


def _is_to(around: dict[str, set[str]]) -> ColumnElement[bool]:
    """Return the condition that a grant is to one of some groups or to one around them."""
    return Grant.group_id.in_(sorted(set().union(*around.values())))


def _holders(around: dict[str, set[str]]) -> dict[str | None, list[str]]:
    """Return around which groups each group lies, and so who has what was given to it."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for holder_id, group_ids in around.items():
        for group_id in group_ids:
            found[group_id].append(holder_id)
    return found


def _with_inner(account_id: str, seeds: Select[Any] | CompoundSelect[Any]) -> CTE:
    """Return a recursive table of one column: some groups, and all that lie in them."""
    (first,) = seeds.subquery("seeds").c
    groups = select(first.label("group_id")).cte("holders", recursive=True)
    return groups.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == groups.c.group_id
        )
    )


def _is_few(below: ColumnElement[bool]) -> bool:
    some = select(FolderClosure.descendant_id).where(below).limit(FEW + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) <= FEW


def _chain(grant: HeldGrant, chains: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the groups a grant comes through, the group itself first; none: given to itself."""
    chain = chains.get(grant.group_id or "", ())
    return chain if len(chain) > 1 else ()
