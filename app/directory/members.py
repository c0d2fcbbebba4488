"""Who is in a group, and how the audit log tells who came and who went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Update, bindparam, delete, select, update

from app.directory.work import Target, Work
from app.store.bulk import insert_rows
from app.store.database import table
from app.store.models import Group, Membership, NestedGroup
from app.store.prepared import Prepared, one_of, prepared
from app.store.types import Id, UtcDateTime

CHUNK = 500
NAMED_IN_EVENT = 1000
"""Most member ids one audit event names. Of more there are several events, so that all are named
and none is large."""


_ACCOUNT = bindparam("account", type_=Id)
_GROUP = bindparam("group", type_=Id)


class _Statements:
    """What is asked of a table of members, and how they are taken out of it."""

    def __init__(self, model: type[Membership] | type[NestedGroup], column: str) -> None:
        rows = table(model)
        member = rows.c[column]
        within = (rows.c.account_id == _ACCOUNT) & (rows.c.group_id == _GROUP)
        found = select(member.label("id")).where(within)
        self.all = Prepared(lambda: found)
        self.named = Prepared(lambda: found.where(one_of(member, "ids")))
        self.delete = Prepared(lambda: delete(rows).where(within, one_of(member, "ids")))
        one = member == bindparam("id", type_=Id)
        self.delete_one = Prepared(lambda: delete(rows).where(within, one))


USERS = _Statements(Membership, "user_id")
GROUPS = _Statements(NestedGroup, "member_id")


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
    if named is not None:
        users = those_present(work, group_id, Members(users=named)).users
        groups = those_present(work, group_id, Members(groups=named - users)).groups
        return Members(users, groups)
    found = Members()
    for member, ids in ((USERS, found.users), (GROUPS, found.groups)):
        ids.update(row.id for row in member.all.all(account=work.account_id, group=group_id))
    return found


def those_present(work: Work, group_id: str, named: Members) -> Members:
    """Return which of some users and groups are in the group now."""
    found = Members()
    for member, ids, among in (
        (USERS, found.users, named.users),
        (GROUPS, found.groups, named.groups),
    ):
        if among:
            which = {"account": work.account_id, "group": group_id, "ids": among}
            ids.update(row.id for row in member.named.all(**which))
    return found


def remove_rows(work: Work, group_id: str, members: Members) -> None:
    """Delete the rows that say that some users and groups are in a group."""
    for member, ids in ((USERS, members.users), (GROUPS, members.groups)):
        if ids:
            member.delete.run(account=work.account_id, group=group_id, ids=ids)


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
    pairs = [
        {"account": work.account_id, "group": group.id, "id": each}
        for group, members in leaving.items()
        for each in sorted(members.users)
    ]
    USERS.delete_one.run_each(pairs)
    note(work, "group.members_removed", leaving)


def note(work: Work, action: str, changed: Mapping[Target, Members]) -> None:
    """Count and record that members came to groups, or went (see :func:`record`)."""
    groups = [group.id for group in changed]
    _count.run(account=work.account_id, groups=groups, at=work.at)
    for group, members in changed.items():
        record(work, action, group, members)


@prepared
def _count() -> Update:
    groups = table(Group)
    return (
        update(groups)
        .where(groups.c.account_id == _ACCOUNT, one_of(groups.c.id, "groups"))
        .values(version=groups.c.version + 1, updated_at=bindparam("at", type_=UtcDateTime))
    )


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
