"""The statements that read documents, each built once for the process.

Building a statement costs several times what the database needs to answer it. All take
``account_id`` and ``ids``, a list.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, bindparam, func, literal, select

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
from app.store.types import Id

_ACCOUNT_ID = bindparam("account_id", type_=Id)
_IDS = bindparam("ids", type_=Id, expanding=True)


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


@cache
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
    ).where(User.account_id == _ACCOUNT_ID, User.id.in_(_IDS))


@cache
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
    ).where(Group.account_id == _ACCOUNT_ID, Group.id.in_(_IDS))


@cache
def values_of_users() -> Select[*tuple[Any, ...]]:
    """Return the values of the multi-valued attributes of users, in their order."""
    return (
        select(UserValue.__table__)
        .where(UserValue.account_id == _ACCOUNT_ID, UserValue.user_id.in_(_IDS))
        .order_by(UserValue.user_id, UserValue.attribute, UserValue.position)
    )


@cache
def groups_of_users() -> Select[*tuple[Any, ...]]:
    """Return the groups of users; ``depth`` is 0 for direct ones, 1 for those around them."""
    reach = (
        select(Membership.user_id, Membership.group_id, literal(0).label("depth"))
        .where(Membership.account_id == _ACCOUNT_ID, Membership.user_id.in_(_IDS))
        .cte("reach", recursive=True)
    )
    # The depth is 0 or 1, so that UNION ends even where groups contain each other.
    reach = reach.union(
        select(reach.c.user_id, NestedGroup.group_id, literal(1)).where(
            NestedGroup.account_id == _ACCOUNT_ID, NestedGroup.member_id == reach.c.group_id
        )
    )
    return (
        select(
            reach.c.user_id, Group.id, Group.display_name, func.min(reach.c.depth).label("depth")
        )
        .join(Group, Group.id == reach.c.group_id)
        .where(Group.account_id == _ACCOUNT_ID)
        .group_by(reach.c.user_id, Group.id, Group.display_name)
        .order_by(reach.c.user_id, Group.id)
    )


@cache
def users_in_groups(named: bool) -> Select[*tuple[Any, ...]]:
    """Return the users that are members of groups, in order of creation.

    :param named: With their names, for the price of a join.
    """
    query: Select[*tuple[Any, ...]] = (
        select(Membership.group_id, Membership.user_id.label("id"))
        .where(Membership.account_id == _ACCOUNT_ID, Membership.group_id.in_(_IDS))
        .order_by(Membership.group_id, Membership.user_id)
    )
    if not named:
        return query
    name = func.coalesce(User.display_name, User.user_name).label("display")
    return query.add_columns(name).join(
        User, (User.account_id == Membership.account_id) & (User.id == Membership.user_id)
    )


@cache
def groups_in_groups(named: bool) -> Select[*tuple[Any, ...]]:
    """Return the groups that are members of groups, in order of creation."""
    query: Select[*tuple[Any, ...]] = (
        select(NestedGroup.group_id, NestedGroup.member_id.label("id"))
        .where(NestedGroup.account_id == _ACCOUNT_ID, NestedGroup.group_id.in_(_IDS))
        .order_by(NestedGroup.group_id, NestedGroup.member_id)
    )
    if not named:
        return query
    return query.add_columns(Group.display_name.label("display")).join(
        Group, (Group.account_id == NestedGroup.account_id) & (Group.id == NestedGroup.member_id)
    )


@cache
def folders() -> Select[*tuple[Any, ...]]:
    """Return the folders with these ids."""
    return select(Folder.__table__).where(Folder.account_id == _ACCOUNT_ID, Folder.id.in_(_IDS))


@cache
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
        .where(Grant.account_id == _ACCOUNT_ID, Grant.id.in_(_IDS))
    )
