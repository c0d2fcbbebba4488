"""Which grants reach a user: on a folder, on the account, in force at a time. Read-only SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from app.access.membership import groups_containing
from app.access.permissions import permissions_of
from app.store.database import db
from app.store.models import Folder, Grant, Group, Role, User
from app.store.prepared import prepared
from app.store.types import Id, Name, UtcDateTime, comparison_key


@dataclass(frozen=True)
class HeldGrant:
    """One grant that reaches a user, with the way it does."""

    id: str
    scope: str
    """``account`` or ``folder``."""
    role_id: str
    role_name: str
    permissions: frozenset[str]
    folder_id: str | None
    depth: int | None
    """How many folders above the asked one it was given; None for a role on the account, and
    where no folder was asked about."""
    group_id: str | None
    group_name: str | None
    origin: str
    granted_by: str
    reason: str
    created_at: datetime
    not_before: datetime | None
    expires_at: datetime | None


def permissions_in(grants: Iterable[HeldGrant]) -> frozenset[str]:
    """Return all that some grants permit together."""
    return frozenset().union(*(grant.permissions for grant in grants))


def grants_reaching(
    account_id: str, user_id: str, folder_id: str | None, at: datetime
) -> list[HeldGrant]:
    """Return the grants of an active user that hold on a folder, and on the account.

    Grants on ancestors count up to and including the nearest restricted folder. It is one
    statement, whose cost depends on the depth of the folder and the groups of the user, not on
    the size of the account. An unknown or inactive user has none, nor has anyone on an unknown
    folder.

    :param folder_id: None for the roles on the account alone.
    """
    values = {"account_id": account_id, "user_id": user_id, "at": at}
    if folder_id is None:
        rows = _on_account.all(**values)
    else:
        rows = _on_folder.all(**values, folder_id=folder_id)
    return [held(row, row.depth) for row in rows]


def permissions_reaching(
    account_id: str, name: str, folder_id: str | None, at: datetime
) -> frozenset[str]:
    """Return all that the grants of :func:`grants_reaching` permit together.

    It is one statement too, which reads the roles alone.

    :param name: The id of a user, or their userName in any case. An id goes before a userName
        that is the same.
    """
    values = {"account_id": account_id, "name": name, "key": comparison_key(name), "at": at}
    if folder_id is None:
        rows = _roles_on_account.all(**values)
    else:
        rows = _roles_on_folder.all(**values, folder_id=folder_id)
    return frozenset().union(*(permissions_of(*row) for row in rows))


def grants_held(account_id: str, user_id: str, at: datetime) -> list[HeldGrant]:
    """Return all grants of an active user, wherever they hold. Of none the depth is known."""
    rows = _held.all(account_id=account_id, user_id=user_id, at=at)
    return [held(row, None) for row in rows]


def grants_near(account_id: str, user_id: str, folder_ids: Iterable[str]) -> list[HeldGrant]:
    """Return the grants of a user on folders and on the account, also those not in force.

    Nothing may be decided by them: they say what there would be if things were otherwise.
    """
    near = Grant.folder_id.is_(None) | Grant.folder_id.in_(list(folder_ids))
    groups = groups_containing(account_id, user_id)
    query = given().where(Grant.account_id == account_id, near)
    principals = (Grant.user_id == user_id, to_one_of(groups))
    rows = db.session.execute(union_all(*(query.where(each) for each in principals)))
    return [held(row, None) for row in rows]


def roles_permitting(account_id: str, *actions: str) -> dict[str, list[str]]:
    """Return the ids of the roles that permit any of some actions, by scope: ``account`` and
    ``folder``."""
    found: dict[str, list[str]] = {"account": [], "folder": []}
    query = select(Role.id, Role.scope, Role.built_in, Role.permissions)
    for row in db.session.execute(query.where(Role.account_id == account_id)):
        permitted = permissions_of(row.scope, row.id, row.built_in, row.permissions)
        if not permitted.isdisjoint(actions):
            found[row.scope].append(row.id)
    return found


def in_force(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition that a grant is in force at a time."""
    started = or_(Grant.not_before.is_(None), Grant.not_before <= at)
    return started & or_(Grant.expires_at.is_(None), Grant.expires_at > at)


_ACCOUNT_ID = bindparam("account_id", type_=Id)
_USER_ID = bindparam("user_id", type_=Id)
_FOLDER_ID = bindparam("folder_id", type_=Id)
_AT = bindparam("at", type_=UtcDateTime)
_NO_DEPTH = cast(null(), Integer).label("depth")

_Text = ColumnElement[str]
_Condition = ColumnElement[bool]


@prepared
def _on_folder() -> CompoundSelect[Any]:
    """Return the grants of :func:`grants_reaching` on a folder."""
    places = _places(_USER_ID)
    depth = select(places.c.depth).where(places.c.folder_id == Grant.folder_id).scalar_subquery()
    return _all_of(given(depth.label("depth")), _reaching(_USER_ID, *_in(places)))


@prepared
def _on_account() -> CompoundSelect[Any]:
    """Return the grants of :func:`grants_reaching` without a folder."""
    return _all_of(given(_NO_DEPTH), _reaching(_USER_ID, _everywhere_of(_USER_ID)))


@prepared
def _held() -> CompoundSelect[Any]:
    """Return the grants of :func:`grants_held`."""
    return _all_of(given(), _reaching(_USER_ID, _is_active(_USER_ID)))


@prepared
def _roles_on_folder() -> Select[*tuple[Any, ...]]:
    """Return the roles of :func:`permissions_reaching` on a folder."""
    user_id = _named()
    return _roles(_reaching(user_id, *_in(_places(user_id))))


@prepared
def _roles_on_account() -> Select[*tuple[Any, ...]]:
    """Return the roles of :func:`permissions_reaching` without a folder."""
    user_id = _named()
    return _roles(_reaching(user_id, _everywhere_of(user_id)))


def _all_of(query: Select[Any], conditions: Iterable[_Condition]) -> CompoundSelect[Any]:
    """Return what meets any of some conditions. Apart, for each has an index of its own."""
    return union_all(*(query.where(each) for each in conditions))


def _roles(conditions: Iterable[_Condition]) -> Select[*tuple[Any, ...]]:
    """Return the roles of grants, as :func:`permissions_of` takes them."""
    ids = _all_of(select(Grant.role_id), conditions)
    query: Select[*tuple[Any, ...]] = select(Role.scope, Role.id, Role.built_in, Role.permissions)
    return query.where(Role.account_id == _ACCOUNT_ID, Role.id.in_(ids))


def _reaching(user_id: _Text, *where: _Condition) -> list[_Condition]:
    """Return the conditions of grants in force to the user or to the groups around."""
    principals = (Grant.user_id == user_id, to_one_of(groups_containing(_ACCOUNT_ID, user_id)))
    counts = (Grant.account_id == _ACCOUNT_ID) & in_force(_AT)
    return [counts & principal & there for principal in principals for there in where]


def _in(places: CTE) -> tuple[_Condition, _Condition]:
    """Return the conditions of grants in some places, and of those on the account."""
    ids = select(places.c.folder_id)
    return Grant.folder_id.in_(ids), Grant.folder_id.is_(None) & exists(ids)


def _everywhere_of(user_id: _Text) -> _Condition:
    return Grant.folder_id.is_(None) & _is_active(user_id)


def _named() -> _Text:
    """Return the id of the user with a name, looked for once; NULL when there is none."""
    of_account = select(User.id).where(User.account_id == _ACCOUNT_ID)
    by_id = of_account.where(User.id == bindparam("name", type_=Id))
    by_name = of_account.where(User.user_name_key == bindparam("key", type_=Name))
    either = func.coalesce(by_id.scalar_subquery(), by_name.scalar_subquery())
    person = select(either.label("id")).cte("person")
    return select(person.c.id).scalar_subquery()


def _is_active(user_id: _Text) -> ColumnElement[bool]:
    """Return the condition that there is the user, and active. It is tried once, not by row."""
    return exists().where(User.account_id == _ACCOUNT_ID, User.id == user_id, User.active.is_(True))


def _places(user_id: _Text) -> CTE:
    """Return a recursive table of where grants reach the folder from, with their ``depth``.

    That is the folder and those above it up to the nearest restricted one; there are none for
    who is not an active user.
    """
    columns = (Folder.id.label("folder_id"), Folder.parent_id, Folder.restricted)
    places = (
        select(*columns, literal(0).label("depth"))
        .where(Folder.account_id == _ACCOUNT_ID, Folder.id == _FOLDER_ID, _is_active(user_id))
        .cte("places", recursive=True)
    )
    return places.union_all(
        select(*columns, places.c.depth + 1)
        .join(places, places.c.parent_id == Folder.id)
        .where(Folder.account_id == _ACCOUNT_ID, places.c.restricted.is_(False))
    )


def to_one_of(groups: CTE) -> ColumnElement[bool]:
    """Return the condition that a grant is to one of some groups.

    IN, since of a join SQLite would rather begin with every group of the account.
    """
    return Grant.group_id.in_(select(groups.c.group_id))


def given(*more: ColumnElement[Any]) -> Select[Any]:
    """Return the query of grants with their roles.

    :func:`held` reads its rows. It is to be narrowed to an account.
    """
    # Looked for with what is found, not with what is looked through.
    group_name = select(Group.display_name).where(
        Group.account_id == Grant.account_id, Group.id == Grant.group_id
    )
    return (
        select(
            Grant.id,
            Role.scope,
            Grant.role_id,
            Role.name.label("role_name"),
            Role.built_in,
            Role.permissions,
            Grant.folder_id,
            Grant.group_id,
            group_name.scalar_subquery().label("group_name"),
            Grant.origin,
            Grant.granted_by,
            Grant.reason,
            Grant.created_at,
            Grant.not_before,
            Grant.expires_at,
            *more,
        )
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
    )


def held(row: Any, depth: int | None) -> HeldGrant:
    """Return a grant as it was read (see :func:`given`).

    :param depth: See :class:`HeldGrant`.
    """
    return HeldGrant(
        id=row.id,
        scope=row.scope,
        role_id=row.role_id,
        role_name=row.role_name,
        permissions=permissions_of(row.scope, row.role_id, row.built_in, row.permissions),
        folder_id=row.folder_id,
        depth=depth,
        group_id=row.group_id,
        group_name=row.group_name,
        origin=row.origin,
        granted_by=row.granted_by,
        reason=row.reason,
        created_at=row.created_at,
        not_before=row.not_before,
        expires_at=row.expires_at,
    )
