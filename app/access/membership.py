"""Which groups contain a user, nested groups included, as SQL to build on."""

from __future__ import annotations

from sqlalchemy import CTE, BindParameter, select

from app.store.models import Membership, NestedGroup


def groups_containing(
    account_id: str | BindParameter[str], user_id: str | BindParameter[str]
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
