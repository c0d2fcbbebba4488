"""Which groups contain a user, nested groups included."""

from __future__ import annotations

from sqlalchemy import CTE, ColumnElement, Select, exists, select

from app.store.database import db
from app.store.models import Group, Membership, NestedGroup


def groups_containing(
    account_id: str | ColumnElement[str], user_id: str | ColumnElement[str]
) -> CTE:
    """Return a recursive table of one column, ``group_id``: every group the user is in."""
    groups = (
        select(Membership.group_id)
        .where(Membership.account_id == account_id, Membership.user_id == user_id)
        .cte("containing_groups", recursive=True)
    )
    # UNION (not UNION ALL) drops what was seen already, so even a cycle would end.
    return groups.union(
        select(NestedGroup.group_id).where(
            NestedGroup.account_id == account_id, NestedGroup.member_id == groups.c.group_id
        )
    )


def groups_containing_each(
    account_id: str | ColumnElement[str], user_ids: list[str] | Select[str]
) -> CTE:
    """Return a recursive table of ``user_id`` and ``group_id``: every group each user is in."""
    groups = (
        select(Membership.user_id, Membership.group_id)
        .where(Membership.account_id == account_id, Membership.user_id.in_(user_ids))
        .cte("containing_groups", recursive=True)
    )
    return groups.union(
        select(groups.c.user_id, NestedGroup.group_id).where(
            NestedGroup.account_id == account_id, NestedGroup.member_id == groups.c.group_id
        )
    )


def groups_around(account_id: str, group_ids: list[str]) -> dict[str, set[str]]:
    """Return for each of some groups itself and every group it lies in.

    It is what somebody is in who is in that group alone.
    """
    found: dict[str, set[str]] = {}
    for holder_id, group_id in db.session.execute(select(_around(account_id, group_ids))):
        found.setdefault(holder_id, set()).add(group_id)
    return found


def _around(account_id: str, group_ids: list[str]) -> CTE:
    groups = (
        select(Group.id.label("holder_id"), Group.id.label("group_id"))
        .where(Group.account_id == account_id, Group.id.in_(group_ids))
        .cte("groups_around", recursive=True)
    )
    return groups.union(
        select(groups.c.holder_id, NestedGroup.group_id).where(
            NestedGroup.account_id == account_id, NestedGroup.member_id == groups.c.group_id
        )
    )


def chains_of(account_id: str, user_id: str) -> dict[str, tuple[str, ...]]:
    """Return for each group a user is in how: the names of the groups, the user's own first.

    ``{creative: ("Designers", "Creative")}``: the user is in Designers, which is in Creative.
    Where there are several ways it is a shortest one.
    """
    inside = select(groups_containing(account_id, user_id).c.group_id)
    directly = exists().where(
        Membership.account_id == account_id,
        Membership.group_id == Group.id,
        Membership.user_id == user_id,
    )
    return _chains(account_id, inside, directly)


def chains_from(account_id: str, group_id: str) -> dict[str, tuple[str, ...]]:
    """Return how a group lies in each group around it, as :func:`chains_of` does; itself first."""
    inside = select(_around(account_id, [group_id]).c.group_id)
    return _chains(account_id, inside, Group.id == group_id)


def _chains(
    account_id: str, inside: Select[str], first: ColumnElement[bool]
) -> dict[str, tuple[str, ...]]:
    """Return the shortest ways through some groups.

    :param inside: Their ids.
    :param first: The condition that a way begins with a group.
    """
    names: dict[str, str] = {}
    chains: dict[str, tuple[str, ...]] = {}
    for row in db.session.execute(
        select(Group.id, Group.display_name, first.label("is_first"))
        .where(Group.account_id == account_id, Group.id.in_(inside))
        .order_by(Group.display_name_key, Group.id)
    ):
        names[row.id] = row.display_name
        if row.is_first:
            chains[row.id] = (row.display_name,)
    outer = _outer_groups(account_id, inside)
    reached = list(chains)
    for group_id in reached:  # It grows: nearest first.
        for each in outer.get(group_id, ()):
            if each in names and each not in chains:
                chains[each] = (*chains[group_id], names[each])
                reached.append(each)
    return chains


def _outer_groups(account_id: str, inside: Select[str]) -> dict[str, list[str]]:
    """Return the groups that each of some groups lies right in."""
    found: dict[str, list[str]] = {}
    query = (
        select(NestedGroup.member_id, NestedGroup.group_id)
        .where(NestedGroup.account_id == account_id, NestedGroup.member_id.in_(inside))
        .order_by(NestedGroup.group_id)
    )
    for member_id, group_id in db.session.execute(query):
        found.setdefault(member_id, []).append(group_id)
    return found
