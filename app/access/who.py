"""Who may do this here: the other way round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select, union, union_all

from app.access.decisions import check_action, deciding
from app.access.grants import HeldGrant, in_force, roles_permitting
from app.access.many import grants_reaching_each
from app.access.permissions import FOLDER_ACTIONS
from app.access.tree import reaching, ways_up
from app.store.database import db
from app.store.models import Grant, Membership, NestedGroup, User
from app.store.types import Id, UtcDateTime, now


@dataclass(frozen=True)
class Holder:
    """Somebody who may do it, with the grants that decide, the nearest first."""

    user_id: str
    user_name: str
    because: tuple[HeldGrant, ...]


def who_can(
    account_id: str,
    action: str,
    folder_id: str | None,
    *,
    after: str | None = None,
    limit: int = 100,
) -> list[Holder]:
    """Return the active users who may do an action on a folder, or on the account, by id.

    Five statements, whose cost depends on the grants on the folder and those above and on the
    people they reach, not on the size of the account.

    :param folder_id: None for actions on the account; nobody does those on folders there.
    :param after: The id of a user: only those after it.
    :raises UnknownAction: When the action is none that exists.
    """
    check_action(action)
    places: list[str] = []
    if folder_id is not None:
        way = ways_up(account_id, [folder_id]).get(folder_id)
        if way is None:
            return []
        places = [step.id for step in reaching(way)]
    elif action in FOLDER_ACTIONS:
        return []
    at = now()
    roles = roles_permitting(account_id, action)
    values = {
        "account_id": account_id,
        "account_roles": roles["account"],
        "folder_roles": roles["folder"],
        "folder_ids": places,
        "at": at,
        "after": after or "",
        "limit": limit,
    }
    rows = db.session.execute(_holders(), values).all()
    asked = [(row.id, folder_id) for row in rows]
    held = grants_reaching_each(account_id, asked, at) if asked else {}
    return [
        Holder(row.id, row.user_name, deciding(action, held[row.id, folder_id])) for row in rows
    ]


@cache
def _holders() -> Select[*tuple[Any, ...]]:
    """Return the query of the active users whom a grant reaches that permits it, by id.

    Building it takes longer than running it.
    """
    account_id = bindparam("account_id", type_=Id)
    after = bindparam("after", type_=Id)
    account_roles, folder_roles, folder_ids = (
        bindparam(name, type_=Id, expanding=True)
        for name in ("account_roles", "folder_roles", "folder_ids")
    )
    grants = select(Grant.user_id, Grant.group_id).where(
        Grant.account_id == account_id, in_force(bindparam("at", type_=UtcDateTime))
    )
    given = union_all(
        grants.where(Grant.folder_id.is_(None), Grant.role_id.in_(account_roles)),
        grants.where(Grant.folder_id.in_(folder_ids), Grant.role_id.in_(folder_roles)),
    ).cte("given")
    inside = select(given.c.group_id).where(given.c.group_id.is_not(None))
    groups = inside.cte("inside", recursive=True)
    groups = groups.union(
        select(NestedGroup.member_id).where(
            NestedGroup.account_id == account_id, NestedGroup.group_id == groups.c.group_id
        )
    )
    reached = union(
        select(given.c.user_id).where(given.c.user_id > after),
        select(Membership.user_id).where(
            Membership.account_id == account_id,
            Membership.group_id.in_(select(groups.c.group_id)),
            Membership.user_id > after,
        ),
    ).subquery()
    return (
        select(User.id, User.user_name)
        .join(reached, reached.c.user_id == User.id)
        .where(User.account_id == account_id, User.active.is_(True))
        .order_by(User.id)
        .limit(bindparam("limit", type_=Integer))
    )
