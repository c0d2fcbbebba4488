"""Who is in a group, and how the audit log tells who came and who went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from app.directory.work import Target, Work
from app.store.bulk import insert_rows
from app.store.database import db, table
from app.store.models import Group, Membership, NestedGroup

CHUNK = 500
NAMED_IN_EVENT = 1000
"""Most member ids one audit event names. Of more there are several events, so that all are named
and none is large."""


@dataclass
class Members:
    """Ids of members, by what they are."""

    users: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)

    def ids(self) -> set[str]:
        return self.users | self.groups

    def in_words(self, among: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the ids as events name them: all in ``members``, the groups once more."""
        ids = sorted(self.ids() if among is None else among)
        groups = sorted(self.groups.intersection(ids))
        return {"members": ids} | ({"member_groups": groups} if groups else {})


def present(work: Work, group_id: str, named: set[str] | None = None) -> Members:
    """Return which of the named ids are in the group now; all that are when none is named."""
    found = Members()
    for model, column, ids in (
        (Membership, Membership.user_id, found.users),
        (NestedGroup, NestedGroup.member_id, found.groups),
    ):
        query = select(column).where(
            model.account_id == work.account_id, model.group_id == group_id
        )
        if named is None:
            ids.update(db.session.scalars(query))
        else:
            for chunk in chunks(named):
                ids.update(db.session.scalars(query.where(column.in_(chunk))))
    return found


def put_in(work: Work, newcomers: Mapping[Target, Members]) -> None:
    """Write new members of groups, with the events that say so.

    :param newcomers: By group; none of them is in it yet.
    :raises IntegrityError: When one is, or is gone.
    """
    key = {"account_id": work.account_id, "created_at": work.at}
    people = [
        {**key, "group_id": group.id, "user_id": each}
        for group, members in newcomers.items()
        for each in sorted(members.users)
    ]
    inner = [
        {**key, "group_id": group.id, "member_id": each}
        for group, members in newcomers.items()
        for each in sorted(members.groups)
    ]
    insert_rows(table(Membership), people)
    insert_rows(table(NestedGroup), inner)
    work.access_changed = True
    note(work, "group.members_added", newcomers)


def take_out(work: Work, leaving: Mapping[Target, Members]) -> None:
    """Take users out of groups, with the events that say so.

    :param leaving: By group; only users, who are in it.
    """
    work.may_remove_access()
    held = table(Membership)
    query = delete(held).where(
        held.c.account_id == work.account_id,
        held.c.group_id == bindparam("group"),
        held.c.user_id == bindparam("user"),
    )
    pairs = [
        {"group": group.id, "user": each}
        for group, members in leaving.items()
        for each in sorted(members.users)
    ]
    db.session.connection().execute(query, pairs)
    note(work, "group.members_removed", leaving)


def note(work: Work, action: str, changed: Mapping[Target, Members]) -> None:
    """Count and record that members came to groups, or went (see :func:`record`)."""
    for chunk in chunks(str(group.id) for group in changed):
        db.session.execute(
            update(Group)
            .where(Group.account_id == work.account_id, Group.id.in_(chunk))
            .values(version=Group.version + 1, updated_at=work.at)
        )
    for group, members in changed.items():
        record(work, action, group, members)


def record(work: Work, action: str, group: Target, members: Members) -> None:
    """Record that members came (``group.members_added``) or went (``group.members_removed``)."""
    for chunk in chunks(members.ids(), NAMED_IN_EVENT):
        work.record(action, group, after={"count": len(chunk)} | members.in_words(chunk))


def record_end(work: Work, group: Target, members: Members) -> dict[str, Any]:
    """Return what the event of a group's deletion says of its members.

    Of more than one event names, events of their own say that they go.
    """
    if len(members.ids()) > NAMED_IN_EVENT:
        record(work, "group.members_removed", group, members)
        return Members().in_words()
    return members.in_words()


def chunks(ids: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """Split ids into lists of this size at the most, sorted."""
    ordered: list[str] = sorted(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
