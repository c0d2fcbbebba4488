"""Who comes into which group. It is written group by group, so that one event names many.

For that, the rows of a window of the file are read first: tens of thousands, of which only who
joins what is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from app.directory import delegation
from app.directory.imports.files import Joining
from app.directory.imports.groups import Groups, refusal
from app.directory.imports.refusals import Problem
from app.directory.members import Members, put_in
from app.directory.work import Target, Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Group, Membership, User
from app.words import Said, say

PAIRS_LIMIT = 200_000
"""About how many memberships a window has, at the most."""
AT_ONCE = 10_000
"""How many memberships are written in one transaction, at the most."""
Joins = dict[str, list[str]]
"""Users, by the group they come into."""


@dataclass
class Window:
    """Who comes into which group, of some rows."""

    joins: Joins = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By user, the line of the file, and who it says they are."""
    pairs: int = 0
    imagined: int = 0
    """How many memberships there would be of people, and of groups, that a trial has not kept."""

    @property
    def is_full(self) -> bool:
        return self.pairs >= PAIRS_LIMIT

    def add(self, account_id: str, people: Sequence[Joining], groups: Groups) -> list[Problem]:
        """Take in some people, as things stand; return what has become impossible.

        Who is gone meanwhile is left out.
        """
        held = _memberships(account_id, [user_id for user_id, _, _, _ in people])
        ids = groups.ids
        problems = []
        for user_id, line, said, names in people:
            self.pairs += len(names)
            in_now = held.get(user_id)
            for key, name in names.items():
                group_id = ids.get(key)
                if group_id is None and key not in ids:
                    why = groups.refused.get(key, say("There is no such group."))
                    problems.append(_problem(line, said, refusal(name, why)))
                elif group_id is None or in_now is None:
                    self.imagined += 1
                elif group_id not in in_now:
                    in_now.add(group_id)
                    self.rows[user_id] = (line, said)
                    self.joins[group_id].append(user_id)
        return problems

    def batches(self) -> Iterator[Joins]:
        """Return the joins in parts, each small enough for one transaction."""
        batch: Joins = {}
        size = 0
        for group_id, user_ids in sorted(self.joins.items()):
            for start in range(0, len(user_ids), AT_ONCE):
                some = user_ids[start : start + AT_ONCE]
                if batch and size + len(some) > AT_ONCE:
                    yield batch
                    batch, size = {}, 0
                batch[group_id] = some
                size += len(some)
        if batch:
            yield batch


def write(work: Work, window: Window, batch: Joins) -> tuple[int, list[Problem]]:
    """Put people into groups; return how many memberships are new, and what was refused.

    :raises IntegrityError: When somebody is in a group by now, or gone: the window is stale.
    """
    query = select(Group.id, Group.display_name).where(
        Group.account_id == work.account_id, among(Group.id, batch)
    )
    names = {row.id: row.display_name for row in db.session.execute(query)}
    over = delegation.over_groups(work, list(batch))
    problems = []
    newcomers = {}
    for group_id, user_ids in batch.items():
        if group_id in names and group_id not in over:
            newcomers[Target("group", group_id, names[group_id])] = Members(users=set(user_ids))
            continue
        reason = (
            over[group_id].sentence
            if group_id in over
            else say("A group that it names is gone meanwhile.")
        )
        problems += [_problem(*window.rows[each], reason) for each in user_ids]
    if newcomers:
        put_in(work, newcomers)
    return sum(len(each.users) for each in newcomers.values()), problems


def _memberships(account_id: str, user_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the groups that each of some users is in; those who are not there are left out."""
    held = (Membership.account_id == User.account_id) & (Membership.user_id == User.id)
    query = (
        select(User.id, Membership.group_id)
        .outerjoin(Membership, held)
        .where(User.account_id == account_id, among(User.id, user_ids))
    )
    found: dict[str, set[str]] = {}
    for user_id, group_id in db.session.execute(query):
        groups = found.setdefault(user_id, set())
        if group_id is not None:
            groups.add(group_id)
    return found


def _problem(line: int, name: str, reason: Said) -> Problem:
    return Problem(line, "groups", name, reason, whole=False)
