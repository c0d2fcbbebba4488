"""Mappings: "the group named so gets this role". They may wait for a group to arrive."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, or_, select

from app.directory import bounds, connections, grants
from app.directory.errors import Invalid, NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Grant, Group, Mapping
from app.store.types import comparison_key, new_id

MATCH_BY = ("display_name", "external_id")


def create(
    work: Work,
    match_value: str,
    role_id: str,
    folder_id: str | None = None,
    *,
    match_by: str = "display_name",
    connection_id: str | None = None,
) -> str:
    """Add a mapping and return its id. Groups that are there already get the role at once.

    :param connection_id: Only groups that came through this connection; None: any.
    :raises Invalid: When ``match_by`` or the role does not fit.
    :raises NotFound: When the account has no such role, folder or connection.
    """
    if match_by not in MATCH_BY:
        raise Invalid(f"match_by must be one of {', '.join(MATCH_BY)}.", field="match_by")
    match_value = bounds.required("match_value", match_value, bounds.KEY_LENGTH * 2)
    mapping_id = new_id()
    row = {
        "account_id": work.account_id,
        "id": mapping_id,
        "connection_id": connection_id,
        "match_by": match_by,
        "match_key": _match_key(match_by, match_value),
        "match_value": match_value,
        "role_id": role_id,
        "folder_id": folder_id,
    }
    grants.check_role(work, role_id, folder_id)
    if connection_id is not None:
        connections.check(work, connection_id)
    db.session.execute(insert(Mapping), [row])
    work.record("mapping.created", Target("mapping", mapping_id, match_value), after=row)
    for group in _groups_matching(work, row):
        _give(work, row, group)
    return mapping_id


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
    grants.revoke_of_mapping(work, mapping_id)
    db.session.execute(
        sql_delete(Mapping).where(Mapping.account_id == work.account_id, Mapping.id == mapping_id)
    )
    before = {key: row._mapping[key] for key in ("match_by", "match_value", "role_id", "folder_id")}
    work.record("mapping.deleted", Target("mapping", mapping_id, row.match_value), before=before)


def apply_to_group(work: Work, group_id: str) -> None:
    """Give a new or renamed group what its mappings say, and take back what no longer matches."""
    group = db.session.execute(
        select(Group.__table__).where(Group.account_id == work.account_id, Group.id == group_id)
    ).one()
    matching = {row.id: row for row in _mappings_matching(work, group)}
    held = db.session.scalars(
        select(Grant.mapping_id).where(
            Grant.account_id == work.account_id,
            Grant.group_id == group_id,
            Grant.mapping_id.is_not(None),
        )
    )
    for mapping_id in held:
        if mapping_id is not None and mapping_id not in matching:
            grants.revoke_of_mapping(work, mapping_id, group_id)
    for row in matching.values():
        _give(work, dict(row._mapping), group)


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


def _give(work: Work, mapping: dict[str, Any], group: Any) -> None:
    grants.give(
        work,
        grants.Principal("group", group.id, group.display_name),
        mapping["role_id"],
        mapping["folder_id"],
        mapping_id=mapping["id"],
    )


def _match_key(match_by: str, value: str) -> str:
    return comparison_key(value) if match_by == "display_name" else value
