"""The statements that read documents, each built once for the process.

Building a statement costs several times what the database needs to answer it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, ScalarSelect, String, and_, bindparam, exists, func, literal, select

from app.store.functions import json_list, json_lists, json_part
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
from app.store.prepared import ByIds
from app.store.types import Id

Among = Callable[[Any], Any]
"""Returns the condition that a column is one of the ids."""
_ACCOUNT_ID = bindparam("account_id", type_=Id)
_LIMIT = bindparam("limit", type_=Integer)


@cache
def account_role_of_user() -> ScalarSelect[str | None]:
    """Return the name of the role on the account a provider gave a user directly, for a row.

    Of several it is the first, as ``app.directory.account_role`` has it.
    """
    name = select(Role.name).where(Role.account_id == Grant.account_id, Role.id == Grant.role_id)
    # Not ordered: SQLite would go through all grants of the account, which are in order by id.
    first = func.min(Grant.id.concat(name.scalar_subquery()))
    return (
        select(func.substr(first, Id.length + 1, type_=String))
        .where(
            Grant.account_id == User.account_id,
            Grant.user_id == User.id,
            Grant.folder_id.is_(None),
            Grant.origin == "scim",
        )
        .correlate(User)
        .scalar_subquery()
    )


@cache
def users(grouped: bool) -> ByIds:
    """Return the users with these ids, with all that a document of them shows, in one statement.

    ``values``: of each value of a multi-valued attribute the fields of :class:`Value`; ``groups``,
    where they are asked for: of each direct group its id, its name, and whether it is in a group
    itself. Both are JSON lists in no particular order.
    """

    def build(among: Among) -> Any:
        query: Any = select(
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
            _values().label("values"),
        ).where(User.account_id == _ACCOUNT_ID, among(User.id))
        return query.add_columns(_direct_groups().label("groups")) if grouped else query

    return ByIds(build)


class Value(NamedTuple):
    """One value of a multi-valued attribute of a user."""

    attribute: str
    position: int
    value: str | None
    type: str | None
    display: str | None
    primary: bool | None
    extra: dict[str, Any] | None

    @classmethod
    def of(cls, fields: list[Any]) -> Value:
        """Return the value that a JSON list of its fields holds: booleans may be numbers in it."""
        attribute, position, value, type_, display, primary, extra = fields
        truth = None if primary is None else bool(primary)
        return cls(attribute, position, value, type_, display, truth, extra)


def _values() -> Any:
    fields = [getattr(UserValue, name) for name in Value._fields[:-1]]
    return (
        select(json_lists(json_list(*fields, json_part(UserValue.extra))))
        .where(UserValue.account_id == User.account_id, UserValue.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )


def _direct_groups() -> Any:
    any_nested = exists(literal(1)).where(NestedGroup.account_id == _ACCOUNT_ID)
    around = any_nested.where(NestedGroup.member_id == Membership.group_id)
    # Whether there is any in the account is asked once, not for each group.
    nested = and_(any_nested.correlate(None), around)
    # By the account of the membership: by the parameter SQLite might begin with every group there.
    of_membership = and_(Group.account_id == Membership.account_id, Group.id == Membership.group_id)
    return (
        select(json_lists(json_list(Group.id, Group.display_name, nested)))
        .select_from(Membership)
        .join(Group, of_membership)
        .where(Membership.account_id == User.account_id, Membership.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )


def _name_of(group_id: Any) -> Any:
    """Return the name of a group. Joined, SQLite would first go through all of the account."""
    name = select(Group.display_name).where(Group.account_id == _ACCOUNT_ID, Group.id == group_id)
    return name.scalar_subquery()


@ByIds
def groups(among: Among) -> Any:
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
    ).where(Group.account_id == _ACCOUNT_ID, among(Group.id))


@ByIds
def groups_of_users(among: Among) -> Any:
    """Return the groups of users; ``depth`` is 0 for direct ones, 1 for those around them."""
    reach = (
        select(Membership.user_id, Membership.group_id, literal(0).label("depth"))
        .where(Membership.account_id == _ACCOUNT_ID, among(Membership.user_id))
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
            reach.c.user_id,
            reach.c.group_id.label("id"),
            _name_of(reach.c.group_id).label("display_name"),
            func.min(reach.c.depth).label("depth"),
        )
        .group_by(reach.c.user_id, reach.c.group_id)
        .order_by(reach.c.user_id, reach.c.group_id)
    )


@cache
def users_in_groups(named: bool, limited: bool) -> ByIds:
    """Return the users that are members of groups, in order of creation.

    :param named: With their names, for the price of a join.
    :param limited: No more of all than ``limit``.
    """

    def build(among: Among) -> Any:
        query: Any = (
            select(Membership.group_id, Membership.user_id.label("id"))
            .where(Membership.account_id == _ACCOUNT_ID, among(Membership.group_id))
            .order_by(Membership.group_id, Membership.user_id)
        )
        if named:
            name = func.coalesce(User.display_name, User.user_name).label("display")
            query = query.add_columns(name).join(
                User, (User.account_id == Membership.account_id) & (User.id == Membership.user_id)
            )
        return query.limit(_LIMIT) if limited else query

    return ByIds(build)


@cache
def groups_in_groups(named: bool, limited: bool) -> ByIds:
    """Return the groups that are members of groups, as ``users_in_groups`` does the users."""

    def build(among: Among) -> Any:
        query: Any = (
            select(NestedGroup.group_id, NestedGroup.member_id.label("id"))
            .where(NestedGroup.account_id == _ACCOUNT_ID, among(NestedGroup.group_id))
            .order_by(NestedGroup.group_id, NestedGroup.member_id)
        )
        if named:
            query = query.add_columns(Group.display_name.label("display")).join(
                Group,
                (Group.account_id == NestedGroup.account_id) & (Group.id == NestedGroup.member_id),
            )
        return query.limit(_LIMIT) if limited else query

    return ByIds(build)


@ByIds
def folders(among: Among) -> Any:
    """Return the folders with these ids."""
    return select(Folder.__table__).where(Folder.account_id == _ACCOUNT_ID, among(Folder.id))


@ByIds
def grants(among: Among) -> Any:
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
        .where(Grant.account_id == _ACCOUNT_ID, among(Grant.id))
    )
