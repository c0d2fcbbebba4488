"""The account always keeps an active master admin, whoever asks otherwise.

One whose role has no end counts for more than one whose role lapses some day: otherwise the account
would be left without any that day, and nobody could have refused it.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, bindparam, case, exists, or_, select

from app.access.grants import in_force
from app.store.models import Grant, Membership, NestedGroup, User
from app.store.prepared import prepared
from app.store.types import Id, UtcDateTime, now

MASTER_ADMIN = "master_admin"


def master_admin(account_id: str) -> int:
    """Return whether an active user holds ``master_admin``, directly or through groups.

    2: one holds it without an end. 1: for the time being. 0: none does.
    """
    return _how_kept.scalar(account_id=account_id, at=now()) or 0


@prepared
def _how_kept() -> Select[tuple[int]]:
    """Return how the account keeps a master admin."""
    kept = case((_exists(Grant.expires_at.is_(None)), 2), (_exists(), 1), else_=0)
    return select(kept.label("kept"))


def _exists(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether there is a master admin by grants that meet the conditions."""
    account_id = bindparam("account_id", type_=Id)
    holds = (
        Grant.account_id == account_id,
        Grant.role_id == MASTER_ADMIN,
        Grant.folder_id.is_(None),
        in_force(bindparam("at", type_=UtcDateTime)),
        *conditions,
    )
    groups = select(Grant.group_id).where(*holds, Grant.group_id.is_not(None)).cte(recursive=True)
    groups = groups.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == groups.c.group_id
        )
    )
    directly = select(Grant.user_id).where(*holds, Grant.user_id.is_not(None))
    active = exists().where(
        User.account_id == account_id, User.active.is_(True), User.id.in_(directly)
    )
    # From the groups to their members, one by one until one is active. Asked which users are in
    # one of the groups, PostgreSQL goes through all users; joined with them too.
    is_active = select(User.active).where(
        User.account_id == account_id, User.id == Membership.user_id
    )
    # Not joined: then SQLite begins with all memberships of the account.
    members = select(Membership.user_id).where(
        Membership.account_id == account_id,
        Membership.group_id.in_(select(groups.c.group_id)),
        is_active.scalar_subquery().is_(True),
    )
    # Each for itself: with one condition for both, SQLite goes through all users.
    return or_(active, members.exists())
