"""The statements that read documents, each built once for the process.

Building a statement costs several times what the database needs to answer it. All take
``account_id`` and ``ids``, a list.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Integer, ScalarSelect, Select, bindparam, func, literal, select

from app.store.models import (
    Folder,
    Grant,
    Group,
    Membership,
    NestedGroup,
    Role,
    User,
    UserValue,
)
from app.store.prepared import Prepared, one_of, prepared
from app.store.types import Id

_ACCOUNT_ID = bindparam("account_id", type_=Id)
_LIMIT = bindparam("limit", type_=Integer)


@cache
def account_role_of_user() -> ScalarSelect[str | None]:
    """Return the name of the role on the account a provider gave a user directly, for a row."""
    return (
        select(Role.name)
        .join(Grant, (Grant.account_id == Role.account_id) & (Grant.role_id == Role.id))
        .where(
            Grant.account_id == User.account_id,
            Grant.user_id == User.id,
            Grant.folder_id.is_(None),
            Grant.origin == "scim",
        )
        .order_by(Grant.id)
        .limit(1)
        .correlate(User)
        .scalar_subquery()
    )


@prepared
def users() -> Select[*tuple[Any, ...]]:
    """Return the users with these ids."""
    return select(
        User.id,
        User.user_name,
        User.external_id,
        User.display_name,
        User.active,
        User.attributes,
        User.undeclared,
        account_role_of_user().label("account_role"),
        User.version,
        User.created_at,
        User.updated_at,
    ).where(User.account_id == _ACCOUNT_ID, one_of(User.id, "ids"))


@prepared
def groups() -> Select[*tuple[Any, ...]]:
    """Return the groups with these ids."""
    return select(
        Group.id,
        Group.display_name,
        Group.external_id,
        Group.attributes,
        Group.undeclared,
        Group.version,
        Group.created_at,
        Group.updated_at,
    ).where(Group.account_id == _ACCOUNT_ID, one_of(Group.id, "ids"))


@prepared
def values_of_users() -> Select[*tuple[Any, ...]]:
    """Return the values of the multi-valued attributes of users, in their order."""
    return (
        select(UserValue.__table__)
        .where(UserValue.account_id == _ACCOUNT_ID, one_of(UserValue.user_id, "ids"))
        .order_by(UserValue.user_id, UserValue.attribute, UserValue.position)
    )


@prepared
def groups_of_users() -> Select[*tuple[Any, ...]]:
    """Return the groups of users; ``depth`` is 0 for direct ones, 1 for those around them."""
    reach = (
        select(Membership.user_id, Membership.group_id, literal(0).label("depth"))
        .where(Membership.account_id == _ACCOUNT_ID, one_of(Membership.user_id, "ids"))
        .cte("reach", recursive=True)
    )
    # The depth is 0 or 1, so that UNION ends even where groups contain each other.
    reach = reach.union(
        select(reach.c.user_id, NestedGroup.group_id, literal(1)).where(
            NestedGroup.account_id == _ACCOUNT_ID, NestedGroup.member_id == reach.c.group_id
        )
    )
    # Names one by one: joined, SQLite would first make a filter of all groups of the account.
    name = select(Group.display_name).where(
        Group.account_id == _ACCOUNT_ID, Group.id == reach.c.group_id
    )
    return (
        select(
            reach.c.user_id,
            reach.c.group_id.label("id"),
            func.min(reach.c.depth).label("depth"),
            name.scalar_subquery().label("display_name"),
        )
        .group_by(reach.c.user_id, reach.c.group_id)
        .order_by(reach.c.user_id, reach.c.group_id)
    )


@cache
def users_in_groups(named: bool, limited: bool) -> Prepared:
    """Return the users that are members of groups, in order of creation.

    :param named: With their names, for the price of a join.
    :param limited: No more of all than ``limit``.
    """

    def build() -> Any:
        query: Any = (
            select(Membership.group_id, Membership.user_id.label("id"))
            .where(Membership.account_id == _ACCOUNT_ID, one_of(Membership.group_id, "ids"))
            .order_by(Membership.group_id, Membership.user_id)
        )
        if named:
            name = func.coalesce(User.display_name, User.user_name).label("display")
            query = query.add_columns(name).join(
                User, (User.account_id == Membership.account_id) & (User.id == Membership.user_id)
            )
        return query.limit(_LIMIT) if limited else query

    return Prepared(build)


@cache
def groups_in_groups(named: bool, limited: bool) -> Prepared:
    """Return the groups that are members of groups, as ``users_in_groups`` does the users."""

    def build() -> Any:
        query: Any = (
            select(NestedGroup.group_id, NestedGroup.member_id.label("id"))
            .where(NestedGroup.account_id == _ACCOUNT_ID, one_of(NestedGroup.group_id, "ids"))
            .order_by(NestedGroup.group_id, NestedGroup.member_id)
        )
        if named:
            query = query.add_columns(Group.display_name.label("display")).join(
                Group,
                (Group.account_id == NestedGroup.account_id) & (Group.id == NestedGroup.member_id),
            )
        return query.limit(_LIMIT) if limited else query

    return Prepared(build)


@prepared
def folders() -> Select[*tuple[Any, ...]]:
    """Return the folders with these ids."""
    return select(Folder.__table__).where(
        Folder.account_id == _ACCOUNT_ID, one_of(Folder.id, "ids")
    )


@prepared
def grants() -> Select[*tuple[Any, ...]]:
    """Return the grants with these ids, with the names of their role and their holder."""
    return (
        select(
            Grant.__table__,
            Role.name.label("role_name"),
            func.coalesce(User.display_name, User.user_name, Group.display_name).label("holder"),
        )
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .outerjoin(User, (User.account_id == Grant.account_id) & (User.id == Grant.user_id))
        .outerjoin(Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id))
        .where(Grant.account_id == _ACCOUNT_ID, one_of(Grant.id, "ids"))
    )
