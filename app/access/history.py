"""The time machine: who could reach what, at a time in the past.

It starts from the tables as they stand and takes back, by the audit log, what has changed since.
What it costs grows with what has changed and with the answer, not with the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from app.access.decisions import check_action
from app.access.explanation import GivenRole
from app.access.folders import VISIBLE, VisibleFolder
from app.access.grants import HeldGrant
from app.access.names import ids_of
from app.access.past import GrantThen, NotInHistory, Past, the_past
from app.access.permissions import FOLDER_ACTIONS
from app.access.tree import Step, path_of, reaching
from app.words import say

AT_ONCE = 200
"""Of how many users it is looked at once whether they could."""


@dataclass(frozen=True)
class PastHolder:
    """Somebody who could do it, with the grants that decided, the nearest first."""

    user_id: str
    user_name: str
    because: tuple[GivenRole, ...]


@dataclass(frozen=True)
class WhoCould:
    folder_id: str | None
    folder_path: str | None
    """The path it had then; None: on the account."""
    people: tuple[PastHolder, ...]
    """By id."""
    truncated: bool
    """Whether there were more."""


@dataclass(frozen=True)
class WhatCould:
    user_id: str
    user_name: str
    active: bool
    account_roles: tuple[GivenRole, ...]
    folders: tuple[VisibleFolder, ...]
    """Those the user could see, by the paths they had then, with the roles that showed them."""
    truncated: bool
    """Whether there were more: then it is those further up."""


def who_could(
    account_id: str,
    action: str,
    folder: str | None,
    at: datetime,
    *,
    after: str = "",
    limit: int = 100,
) -> WhoCould:
    """Return who could do an action on a folder, or on the account, at a time in the past.

    :param folder: An id, or a path: the one it had then or, if there was none, the one it has
        now. None for actions on the account; nobody does those on folders there.
    :param after: The id of a user: only those after it.
    :raises UnknownAction: When the action is none that exists.
    :raises NotInHistory: When the time lies ahead, or the account or folder was not there then.
    """
    check_action(action)
    with the_past(account_id, at) as then:
        way = _way_up(then, folder) if folder is not None else []
        grants = []
        if way or action not in FOLDER_ACTIONS:
            nearest = [step.id for step in reaching(way)]
            grants = [
                grant
                for grant in then.grants_on(nearest)
                if action in then.roles[grant.role_id].permissions
            ]
        people = tuple(islice(_holders(then, grants, way, after), limit + 1))
        id_, path = (way[0].id, path_of(way)) if way else (None, None)
        return WhoCould(id_, path, people[:limit], len(people) > limit)


def what_could(account_id: str, user: str, at: datetime, *, limit: int = 500) -> WhatCould:
    """Return what a user could reach at a time in the past.

    :param user: An id, or a userName in any case: the one they had then, or else have now.
    :param limit: How many folders at the most.
    :raises NotInHistory: When the time lies ahead, or the account or user was not there then.
    """
    with the_past(account_id, at) as then:
        who = then.user_named(user)
        if who is None:
            raise NotInHistory(say("There was no user %(name)r then.", name=user))
        if not who.active:
            return WhatCould(who.id, who.user_name, False, (), (), False)
        own = then.groups_of([who.id])[who.id]
        chains = _chains(own, then.outer_groups(own, inwards=False))
        grants = then.grants_to(who.id, chains)
        on_account = [grant for grant in grants if grant.folder_id is None]
        folders = _visible(then, grants, limit + 1)
        return WhatCould(
            who.id,
            who.user_name,
            True,
            tuple(_given_roles(then, on_account, chains, then.group_names(chains), [])),
            tuple(sorted(folders[:limit], key=lambda folder: folder.path)),
            len(folders) > limit,
        )


def _way_up(then: Past, folder: str) -> list[Step]:
    """Return the way up from a folder, named as :func:`who_could` says."""
    folder_id = then.folder_named(folder)
    if folder_id is None and folder.startswith("/"):
        folder_id = ids_of(then.account_id, [], [folder]).folders.get(folder)
    way = then.ways_up([folder_id]).get(folder_id) if folder_id is not None else None
    if way is None:
        raise NotInHistory(say("There was no folder %(name)r then.", name=folder))
    return way


def _holders(
    then: Past, grants: Sequence[GrantThen], way: Sequence[Step], after: str
) -> Iterator[PastHolder]:
    """Return the active users whom one of the grants reached, by id."""
    groups = {grant.group_id for grant in grants if grant.group_id}
    directly = {grant.user_id for grant in grants if grant.user_id}
    outer = then.outer_groups(groups, inwards=True)
    names = then.group_names(groups | outer.keys())
    candidates = then.people_in(names, directly, after)
    while some := list(islice(candidates, AT_ONCE)):
        groups_of = then.groups_of(some)
        for user_id, user in sorted(then.users(some).items()):
            chains = _chains(groups_of[user_id] & names.keys(), outer)
            held = [
                grant for grant in grants if grant.user_id == user_id or grant.group_id in chains
            ]
            if user.active and held:
                because = tuple(_given_roles(then, held, chains, names, way))
                yield PastHolder(user_id, user.user_name, because)


def _chains(own: Iterable[str], outer: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each group a user was in a shortest way there: groups, the user's own first."""
    chains: dict[str, tuple[str, ...]] = {group: (group,) for group in sorted(own)}
    reached = list(chains)
    for inner in reached:  # It grows: nearest first.
        for group in sorted(outer.get(inner, ())):
            if group not in chains:
                chains[group] = (*chains[inner], group)
                reached.append(group)
    return chains


def _given_roles(
    then: Past,
    grants: Iterable[GrantThen],
    chains: dict[str, tuple[str, ...]],
    names: dict[str, str],
    way: Sequence[Step],
) -> list[GivenRole]:
    """Return how grants came to a user, the nearest first.

    :param names: Of groups, by id.
    """
    depths = {step.id: depth for depth, step in enumerate(way)}
    found = sorted(
        grants, key=lambda grant: (depths.get(grant.folder_id or "", len(way)), grant.id)
    )
    return [
        GivenRole(
            _held(then, grant, depths, names),
            path_of(way[depths[grant.folder_id] :]) if grant.folder_id else None,
            tuple(names[each] for each in chains.get(grant.group_id or "", ())),
        )
        for grant in found
    ]


def _held(then: Past, grant: GrantThen, depths: dict[str, int], names: dict[str, str]) -> HeldGrant:
    role = then.roles[grant.role_id]
    return HeldGrant(
        id=grant.id,
        scope=role.scope,
        role_id=grant.role_id,
        role_name=role.name,
        permissions=role.permissions,
        folder_id=grant.folder_id,
        depth=depths[grant.folder_id] if grant.folder_id else None,
        group_id=grant.group_id,
        group_name=names[grant.group_id] if grant.group_id else None,
        origin=grant.origin,
        granted_by=grant.granted_by,
        reason=grant.reason,
        created_at=grant.created_at,
        not_before=grant.not_before,
        expires_at=grant.expires_at,
    )


def _visible(then: Past, grants: Iterable[GrantThen], limit: int) -> list[VisibleFolder]:
    """Return folders that grants showed, those further up first, each with all their roles."""
    roles: dict[str | None, set[str]] = {}
    for grant in grants:
        role = then.roles[grant.role_id]
        if VISIBLE in role.permissions:
            roles.setdefault(grant.folder_id, set()).add(role.name)
    everywhere = None in roles
    starts = [then.root] if everywhere else roles
    ids = then.folders_from((each for each in starts if each), limit, restricted=everywhere)
    ways = then.ways_up(ids)
    found = []
    for each in ids:
        places = [None, *(step.id for step in reaching(ways[each]))]
        names = set().union(*(roles.get(place, ()) for place in places))
        found.append(VisibleFolder(each, path_of(ways[each]), tuple(sorted(names))))
    return found
