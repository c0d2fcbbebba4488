"""Every write of a group itself. Who is in it: see ``memberships``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy import delete as sql_delete

from app.directory import bounds, delegation, grants, mappings, members, tombstones
from app.directory.errors import NotFound, VersionMismatch
from app.directory.kept_grants import kept
from app.directory.work import Target, Work
from app.store.bulk import insert_rows
from app.store.database import db, table
from app.store.models import Group, NestedGroup
from app.store.prepared import prepared
from app.store.types import Id, comparison_key, new_id


@dataclass
class GroupProfile:
    """All that is known of a group, but its members."""

    display_name: str
    external_id: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def create(work: Work, profile: GroupProfile, *, restored: Mapping[str, Any] | None = None) -> str:
    """Add a group, without members, and return its id. Waiting mappings take effect.

    :param restored: Of one that is brought back: its id and other columns.
    :raises Invalid: When a value is out of bounds.
    """
    (group_id,) = create_all(work, [profile], restored)
    return group_id


def create_all(
    work: Work, profiles: Iterable[GroupProfile], columns: Mapping[str, Any] | None = None
) -> list[str]:
    """Add groups, without members, and return their ids in this order. Mappings take effect.

    :param columns: What the rows have besides, or instead of what they have by themselves.
    :raises Invalid: When a value is out of bounds. Then none is added.
    """
    common = {
        "account_id": work.account_id,
        "origin": work.actor.origin,
        "connection_id": work.actor.connection_id,
        "created_at": work.at,
        "updated_at": work.at,
    }
    cleaned = [_cleaned(profile) for profile in profiles]
    rows = [{**common, "id": new_id(), **(columns or {}), **_columns(each)} for each in cleaned]
    insert_rows(table(Group), rows)
    for row, profile in zip(rows, cleaned, strict=True):
        target = Target("group", row["id"], profile.display_name)
        work.record("group.created", target, after=_snapshot(profile))
    mappings.apply_to_new_groups(work, rows)
    return [row["id"] for row in rows]


def replace(
    work: Work, group_id: str, profile: GroupProfile, *, expected_version: int | None = None
) -> bool:
    """Make a group what the profile says, and return whether that changed anything.

    :raises NotFound: When the account has no such group.
    :raises VersionMismatch: When the group is not at ``expected_version``.
    """
    row = locked_row(work, group_id, expected_version)
    stored = GroupProfile(row.display_name, row.external_id, row.attributes)
    profile = _cleaned(profile)
    if stored == profile:
        return False
    delegation.check_over_group(work, group_id)
    db.session.execute(
        update(Group)
        .where(Group.account_id == work.account_id, Group.id == group_id)
        .values(**_columns(profile), version=Group.version + 1, updated_at=work.at)
    )
    work.record(
        "group.updated",
        Target("group", group_id, profile.display_name),
        before=_snapshot(stored),
        after=_snapshot(profile),
    )
    mappings.apply_to_group(work, group_id)
    delegation.check_over_group(work, group_id)
    return True


def delete(work: Work, group_id: str, *, expected_version: int | None = None) -> None:
    """Remove a group with its memberships and grants. Its members stay.

    For a while it can be brought back (see ``restoring``).

    :raises NotFound: When the account has no such group.
    :raises VersionMismatch: When the group is not at ``expected_version``.
    :raises LastMasterAdmin: When the last master admin is one through this group alone.
    """
    row = locked_row(work, group_id, expected_version)
    delegation.check_over_group(work, group_id)
    work.may_remove_access()
    target = Target("group", group_id, row.display_name)
    stored = GroupProfile(row.display_name, row.external_id, row.attributes)
    present = members.present(work, group_id)
    joined = {"groups": _leave_groups(work, group_id)}
    snapshot = _snapshot(stored) | joined | members.record_end(work, target, present)
    content = {"profile": asdict(stored)} | joined | tombstones.members_kept(present.ids())
    content["grants"] = kept(grants.revoke_all_of(work, target))
    tombstones.bury(work, target, content)
    db.session.execute(
        sql_delete(Group).where(Group.account_id == work.account_id, Group.id == group_id)
    )
    work.record("group.deleted", target, before=snapshot)


def _leave_groups(work: Work, group_id: str) -> list[str]:
    """Return the groups a group was in, and count that they lose a member."""
    groups = select(NestedGroup.group_id).where(
        NestedGroup.account_id == work.account_id, NestedGroup.member_id == group_id
    )
    found = sorted(db.session.scalars(groups))
    if found:
        db.session.execute(
            update(Group)
            .where(Group.account_id == work.account_id, Group.id.in_(groups))
            .values(version=Group.version + 1, updated_at=work.at)
        )
    return found


def locked_row(work: Work, group_id: str, expected_version: int | None = None) -> Any:
    """Return the columns of a group, which stay so until the transaction ends.

    :raises NotFound: When the account has no such group.
    :raises VersionMismatch: When the group is not at ``expected_version``.
    """
    row = _stored.first(account=work.account_id, group=group_id)
    if row is None:
        raise NotFound("group", group_id)
    if expected_version is not None and row.version != expected_version:
        raise VersionMismatch
    return row


@prepared
def _stored() -> Select[*tuple[Any, ...]]:
    columns = select(Group.display_name, Group.external_id, Group.attributes, Group.version)
    return columns.where(
        Group.account_id == bindparam("account", type_=Id), Group.id == bindparam("group", type_=Id)
    )


def _cleaned(profile: GroupProfile) -> GroupProfile:
    """Return a profile within bounds, exactly as it will be read back.

    :raises Invalid: When a value is out of bounds.
    """
    return GroupProfile(
        bounds.required("displayName", profile.display_name, bounds.KEY_LENGTH * 2),
        bounds.optional("externalId", profile.external_id),
        bounds.attributes(profile.attributes),
    )


def _columns(profile: GroupProfile) -> dict[str, Any]:
    return {
        "display_name": profile.display_name,
        "display_name_key": comparison_key(profile.display_name),
        "external_id": profile.external_id,
        "attributes": profile.attributes,
    }


def _snapshot(profile: GroupProfile) -> dict[str, Any]:
    return {
        "displayName": profile.display_name,
        "externalId": profile.external_id,
        **profile.attributes,
    }
