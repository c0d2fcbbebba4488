"""Who may do this here: the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union, union_all

from app.access.decisions import check_action, deciding
from app.access.grants import HeldGrant, in_force, roles_permitting
from app.access.many import grants_reaching_each
from app.access.permissions import FOLDER_ACTIONS
from app.access.tree import reaching, ways_up
from app.store.database import db
from app.store.models import Grant, Membership, NestedGroup, User
from app.store.types import now


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
    query = _holders(account_id, action, places, after or "").limit(limit)
    rows = db.session.execute(query).all()
    asked = [(row.id, folder_id) for row in rows]
    held = grants_reaching_each(account_id, asked, now()) if asked else {}
    return [
        Holder(row.id, row.user_name, deciding(action, held[row.id, folder_id])) for row in rows
    ]


def _holders(
    account_id: str, action: str, places: Sequence[str], after: str
) -> Select[*tuple[Any, ...]]:
    """Return the active users whom a grant reaches that permits it, by id."""
    roles = roles_permitting(account_id, action)
    grants = select(Grant.user_id, Grant.group_id).where(
        Grant.account_id == account_id, in_force(now())
    )
    given = union_all(
        grants.where(Grant.folder_id.is_(None), Grant.role_id.in_(roles["account"])),
        grants.where(Grant.folder_id.in_(places), Grant.role_id.in_(roles["folder"])),
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
    )
