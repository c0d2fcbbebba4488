"""Every write of who is in a group. Only the rows named are touched, however large the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Select, bindparam, select

from app.directory import bounds, delegation
from app.directory.errors import Invalid, NotFound
from app.directory.groups import locked_row
from app.directory.members import Members, note, present, put_in, remove_rows, those_present
from app.directory.work import Target, Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Group, NestedGroup, User
from app.store.prepared import one_of, prepared
from app.store.types import Id
from app.words import say

_ACCOUNT = bindparam("account", type_=Id)

MEMBERS_LIMIT = 200_000
"""Most members one request may name."""


def add(work: Work, group_id: str, member_ids: Iterable[str]) -> bool:
    """Add users and groups to a group, and return whether any was not in it yet.

    :raises NotFound: When the account has no such group.
    :raises Invalid: When a member does not exist, or a group would come to contain itself.
    """
    row = locked_row(work, group_id)
    named = _bounded(member_ids)
    return _add(work, group_id, row.display_name, _newcomers(work, group_id, named))


def add_newcomers(work: Work, newcomers: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Add users to groups as :func:`add` does to one, and return the versions these have then.

    Nothing is looked up that is so for most: what it raises undoes the transaction, and each is
    for :func:`add`.

    :param newcomers: Ids of users by the id of the group.
    :raises NotFound: When the account has no such group.
    :raises IntegrityError: When one is in the group already, or is no user.
    """
    query = select(Group.id, Group.display_name, Group.version).where(
        Group.account_id == work.account_id, among(Group.id, newcomers)
    )
    rows = {row.id: row for row in db.session.execute(query)}
    for group_id in newcomers:
        if group_id not in rows:
            raise NotFound("group", group_id)
    delegation.check_over_group(work, *newcomers)
    groups = {
        Target("group", group_id, rows[group_id].display_name): Members(users=_bounded(ids))
        for group_id, ids in newcomers.items()
    }
    put_in(work, groups)
    return {group_id: row.version + 1 for group_id, row in rows.items()}


def remove(work: Work, group_id: str, member_ids: Iterable[str]) -> bool:
    """Take users and groups out of a group, and return whether any was in it.

    :raises NotFound: When the account has no such group.
    :raises LastMasterAdmin: When the last master admin is one through this membership.
    """
    row = locked_row(work, group_id)
    members = present(work, group_id, _bounded(member_ids))
    return _remove(work, group_id, row.display_name, members)


def clear(work: Work, group_id: str) -> bool:
    """Take everyone out of a group, and return whether anyone was in it."""
    return set_members(work, group_id, ())


def set_members(work: Work, group_id: str, member_ids: Iterable[str]) -> bool:
    """Make the members of a group exactly these, writing only the difference.

    :raises NotFound: When the account has no such group.
    :raises Invalid: As :func:`add`.
    :raises LastMasterAdmin: As :func:`remove`.
    """
    row = locked_row(work, group_id)
    wanted = _bounded(member_ids)
    current = present(work, group_id)
    surplus = Members(current.users - wanted, current.groups - wanted)
    removed = _remove(work, group_id, row.display_name, surplus)
    added = _add(work, group_id, row.display_name, _resolve(work, wanted - current.ids()))
    return removed or added


def _newcomers(work: Work, group_id: str, ids: set[str]) -> Members:
    """Return which of some ids are not in the group yet."""
    named = _resolve(work, ids)
    there = those_present(work, group_id, named)
    return Members(named.users - there.users, named.groups - there.groups)


def _add(work: Work, group_id: str, group_name: str, members: Members) -> bool:
    if not members:
        return False
    delegation.check_over_group(work, group_id)
    if members.groups:
        _refuse_cycle(work, group_id, members.groups)
    put_in(work, {Target("group", group_id, group_name): members})
    return True


def _remove(work: Work, group_id: str, group_name: str, members: Members) -> bool:
    if not members:
        return False
    delegation.check_over_group(work, group_id)
    work.may_remove_access()
    remove_rows(work, group_id, members)
    note(work, "group.members_removed", {Target("group", group_id, group_name): members})
    return True


def _resolve(work: Work, ids: set[str]) -> Members:
    """Tell users and groups of the account apart.

    :raises Invalid: When an id is neither.
    """
    members = Members()
    for known, found in ((_users, members.users), (_groups, members.groups)):
        rest = ids - members.users
        if rest:
            found.update(row.id for row in known.all(account=work.account_id, ids=rest))
    unknown = sorted(ids - members.users - members.groups)
    if unknown:
        shown = unknown[:5] + (["…"] if len(unknown) > 5 else [])
        raise Invalid(say("No user or group has the id %(ids)s.", ids=shown), field="members")
    return members


@prepared
def _users() -> Select[str]:
    return select(User.id).where(User.account_id == _ACCOUNT, one_of(User.id, "ids"))


@prepared
def _groups() -> Select[str]:
    return select(Group.id).where(Group.account_id == _ACCOUNT, one_of(Group.id, "ids"))


def _refuse_cycle(work: Work, group_id: str, new_members: set[str]) -> None:
    inside = (
        select(NestedGroup.member_id)
        .where(NestedGroup.account_id == work.account_id, NestedGroup.group_id.in_(new_members))
        .cte("inside", recursive=True)
    )
    inside = inside.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == work.account_id,
            NestedGroup.group_id == inside.c.member_id,
        )
    )
    contains = select(inside.c.member_id).where(inside.c.member_id == group_id).limit(1)
    if group_id in new_members or db.session.scalar(contains) is not None:
        sentence = say("A group cannot contain itself, directly or through others.")
        raise Invalid(sentence, field="members")


def _bounded(ids: Iterable[str]) -> set[str]:
    found = set(ids)
    if len(found) > MEMBERS_LIMIT:
        raise Invalid(
            say("One request may name %(limit)s members at the most.", limit=MEMBERS_LIMIT)
        )
    for each in found:
        bounds.optional("members", each)
    return found
