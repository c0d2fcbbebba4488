"""Mappings: "the group named so, or the user with this value, gets this role".

They may wait for the group or the value to arrive. What those of users do: see ``mapped_users``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, or_, select

from app.access.folders import paths_of
from app.directory import bounds, connections, delegation, grants, mapped_users
from app.directory.errors import Invalid, NotFound
from app.directory.members import chunks
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Grant, Group, Mapping, Role
from app.store.types import comparison_key, new_id
from app.words import say

MATCH_BY = ("display_name", "external_id", *mapped_users.MATCH_BY)
MAPPINGS_LIMIT = 10_000
"""Most mappings one account may have."""
DESCRIBED = 20
"""How many roles the description of one value names at the most."""


@dataclass(frozen=True)
class Offer:
    """A value of ``roles`` or ``entitlements`` that gives something to the users who have it."""

    value: str
    """As it was given first."""
    description: str
    """What it gives, in words: ``editor on /Brand; viewer on /Press``."""
    created_at: datetime
    """When the first of its mappings was made."""
    updated_at: datetime
    """When the newest of its mappings was made."""


def create(
    work: Work,
    match_value: str,
    role_id: str,
    folder_id: str | None = None,
    *,
    match_by: str = "display_name",
    connection_id: str | None = None,
) -> str:
    """Add a mapping and return its id. Those who match already get the role at once.

    One that says the very same is not added again: those who match and were deprived of what it
    gives, such as by a review, get it again.

    :param match_by: ``display_name`` or ``external_id`` of a group; ``role`` or ``entitlement``:
        a value of the user's SCIM attribute ``roles`` or ``entitlements``, in any case.
    :param connection_id: Only those that came through this connection; None: any.
    :raises Invalid: When ``match_by`` or the role does not fit, or there are too many mappings.
    :raises NotFound: When the account has no such role, folder or connection.
    """
    if match_by not in MATCH_BY:
        sentence = say("match_by must be one of %(values)s.", values=MATCH_BY)
        raise Invalid(sentence, field="match_by")
    match_value = bounds.required("match_value", match_value, bounds.KEY_LENGTH * 2)
    says = {
        "connection_id": connection_id,
        "match_by": match_by,
        "match_key": _match_key(match_by, match_value),
        "role_id": role_id,
        "folder_id": folder_id,
    }
    delegation.check_gift(work, grants.check_role(work, role_id, folder_id), folder_id)
    if connection_id is not None:
        connections.check(work, connection_id)
    mapping = _that_says(work, says) or _insert(work, says | {"match_value": match_value})
    holders = _holders(work, mapping["id"])
    grants.give_by_mappings(
        work, [(mapping, each) for each in _matching(work, mapping) if each.id not in holders]
    )
    return str(mapping["id"])


def _that_says(work: Work, says: dict[str, Any]) -> dict[str, Any] | None:
    same = (getattr(Mapping, name) == value for name, value in says.items())
    query = select(Mapping.__table__).where(Mapping.account_id == work.account_id, *same)
    row = db.session.execute(query.order_by(Mapping.id).limit(1)).first()
    return None if row is None else dict(row._mapping)


def _insert(work: Work, columns: dict[str, Any]) -> dict[str, Any]:
    _check_room(work)
    row = {"account_id": work.account_id, "id": new_id()} | columns
    db.session.execute(insert(Mapping), [row])
    work.record("mapping.created", Target("mapping", row["id"], row["match_value"]), after=row)
    return row


def _holders(work: Work, mapping_id: str) -> set[str]:
    """Return the ids of the users or groups that have something from a mapping."""
    holder = func.coalesce(Grant.user_id, Grant.group_id)
    query = select(holder).where(
        Grant.account_id == work.account_id, Grant.mapping_id == mapping_id
    )
    return set(db.session.scalars(query))


def _matching(work: Work, mapping: dict[str, Any]) -> list[Target]:
    if mapping["match_by"] in mapped_users.MATCH_BY:
        return mapped_users.matching(work, mapping)
    return [_target(group) for group in _groups_matching(work, mapping)]


def delete(work: Work, mapping_id: str) -> None:
    """Remove a mapping and take back what it gave. Manual grants stay.

    :raises NotFound: When the account has no such mapping.
    :raises LastMasterAdmin: When it makes the last master admin one.
    """
    table = Mapping.__table__
    query = select(table).where(Mapping.account_id == work.account_id, Mapping.id == mapping_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("mapping", mapping_id)
    role = grants.check_role(work, row.role_id, row.folder_id)
    delegation.check_gift(work, role, row.folder_id)
    _delete(work, row)


def delete_on_folder(work: Work, folder_id: str) -> list[dict[str, Any]]:
    """Remove the mappings on a folder with what they gave, as before it is deleted.

    Returns what :func:`create` takes to make them again.
    """
    query = select(Mapping.__table__).where(
        Mapping.account_id == work.account_id, Mapping.folder_id == folder_id
    )
    rows = db.session.execute(query.order_by(Mapping.id)).all()
    for row in rows:
        _delete(work, row)
    kept = ("match_value", "role_id", "match_by", "connection_id")
    return [{name: row._mapping[name] for name in kept} for row in rows]


def _delete(work: Work, row: Any) -> None:
    grants.revoke_of_mapping(work, row.id)
    db.session.execute(
        sql_delete(Mapping).where(Mapping.account_id == work.account_id, Mapping.id == row.id)
    )
    kept = ("match_by", "match_value", "role_id", "folder_id", "connection_id")
    before = {key: row._mapping[key] for key in kept}
    work.record("mapping.deleted", Target("mapping", row.id, row.match_value), before=before)


def apply_to_group(work: Work, group_id: str) -> None:
    """Give a new or renamed group what its mappings say, and take back what no longer matches."""
    group = db.session.execute(
        select(Group.__table__).where(Group.account_id == work.account_id, Group.id == group_id)
    ).one()
    matching = [dict(row._mapping) for row in _mappings_matching(work, group)]
    grants.set_by_mappings(work, _target(group), matching)


def apply_to_new_groups(work: Work, groups: Collection[dict[str, Any]]) -> None:
    """Give groups that have just been added, and hold nothing yet, what their mappings say.

    :param groups: Rows of ``groups``.
    """
    by_key: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for group in groups:
        by_key.setdefault(("display_name", group["display_name_key"]), []).append(group)
        if group["external_id"] is not None:
            by_key.setdefault(("external_id", group["external_id"]), []).append(group)
    gifts = [
        (mapping, Target("group", group["id"], group["display_name"]))
        for mapping in _waiting_for(work, {key for _, key in by_key})
        for group in by_key.get((mapping["match_by"], mapping["match_key"]), ())
        if mapping["connection_id"] in (None, group["connection_id"])
    ]
    grants.give_by_mappings(work, gifts)


def _waiting_for(work: Work, keys: Collection[str]) -> list[dict[str, Any]]:
    """Return the mappings of groups that match one of these keys, names and external ids alike."""
    found = []
    for chunk in chunks(keys):
        query = select(Mapping.__table__).where(
            Mapping.account_id == work.account_id,
            Mapping.match_by.in_(("display_name", "external_id")),
            Mapping.match_key.in_(chunk),
        )
        found += [dict(row._mapping) for row in db.session.execute(query)]
    return found


def offers(account_id: str, match_by: str, keys: Collection[str] | None = None) -> list[Offer]:
    """Return the values that give something, in the order of their comparison keys.

    :param match_by: ``role`` or ``entitlement``.
    :param keys: Comparison keys of those that are wanted; None: all.
    """
    columns = (Mapping.match_key, Mapping.match_value, Mapping.folder_id, Mapping.created_at)
    query = (
        select(*columns, Role.name.label("role"))
        .join(Role, (Role.account_id == Mapping.account_id) & (Role.id == Mapping.role_id))
        .where(Mapping.account_id == account_id, Mapping.match_by == match_by)
        .order_by(Mapping.match_key, Mapping.created_at, Mapping.id)
    )
    if keys is not None:
        query = query.where(Mapping.match_key.in_(keys))
    rows = db.session.execute(query).all()
    paths = paths_of(account_id, {row.folder_id for row in rows if row.folder_id})
    by_key = groupby(rows, key=lambda row: row.match_key)
    return [_offer(list(same), paths) for _, same in by_key]


def _offer(same: list[Any], paths: dict[str, str]) -> Offer:
    """Return what some mappings of one value offer together.

    :param paths: Of folders, by id.
    """
    places = (paths[row.folder_id] if row.folder_id else "the account" for row in same)
    gives = list(
        dict.fromkeys(f"{row.role} on {place}" for row, place in zip(same, places, strict=True))
    )
    more = [f"and {len(gives) - DESCRIBED} more"] if len(gives) > DESCRIBED else []
    return Offer(
        value=same[0].match_value,
        description="; ".join(gives[:DESCRIBED] + more),
        created_at=same[0].created_at,
        updated_at=same[-1].created_at,
    )


def _check_room(work: Work) -> None:
    query = select(func.count()).where(Mapping.account_id == work.account_id)
    if (db.session.scalar(query) or 0) >= MAPPINGS_LIMIT:
        raise Invalid(
            say("An account may have %(limit)s mappings at the most.", limit=MAPPINGS_LIMIT)
        )


def _mappings_matching(work: Work, group: Any) -> list[Any]:
    named = (Mapping.match_by == "display_name") & (Mapping.match_key == group.display_name_key)
    numbered = (Mapping.match_by == "external_id") & (Mapping.match_key == group.external_id)
    query = select(Mapping.__table__).where(
        Mapping.account_id == work.account_id,
        or_(named, numbered),
        or_(Mapping.connection_id.is_(None), Mapping.connection_id == group.connection_id),
    )
    return list(db.session.execute(query))


def _groups_matching(work: Work, mapping: dict[str, Any]) -> list[Any]:
    column = Group.display_name_key if mapping["match_by"] == "display_name" else Group.external_id
    query = select(Group.__table__).where(
        Group.account_id == work.account_id, column == mapping["match_key"]
    )
    if mapping["connection_id"] is not None:
        query = query.where(Group.connection_id == mapping["connection_id"])
    return list(db.session.execute(query))


def _target(group: Any) -> Target:
    return Target("group", group.id, group.display_name)


def _match_key(match_by: str, value: str) -> str:
    return value if match_by == "external_id" else comparison_key(value)
