"""Bringing back a user, group or folder that was deleted, with its id and what still fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.directory import (
    folders,
    groups,
    kept_grants,
    mappings,
    memberships,
    tombstones,
    users,
)
from app.directory.errors import Invalid, NotFound, ParentGone
from app.directory.folders import FolderProfile
from app.directory.groups import GroupProfile
from app.directory.members import chunks
from app.directory.users import Profile
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Connection, Group, User
from app.words import Said, say

NEEDED = {"user": "user.manage", "group": "group.manage", "folder": "folder.create_child"}
"""The permission on the account that bringing one back needs, by its type."""


Missing = tuple[int, Said]
"""How many did not come back, and the words for it."""


@dataclass(frozen=True)
class Restored:
    """What came back."""

    target: Target
    left_out: tuple[Said, ...]
    """What did not come back with it, in words, such as ``members that are gone: 2``."""


def restore(work: Work, id_: str) -> Restored:
    """Bring back what was deleted, with its memberships and the grants that were given by hand.

    What mappings give comes anew; what a provider gave is for the provider to give again. A user
    comes back without password, second factor and sessions.

    :raises NotFound: When nothing of this id was deleted, or it is forgotten what it was.
    :raises ParentGone: When the folder in which a folder lay is gone.
    :raises Taken: When its name belongs to another one by now.
    :raises Invalid: When it does not fit any more, such as a folder that would lie too deep.
    :raises Forbidden: When the actor may not give what it held.
    """
    row = tombstones.take(work, id_)
    target = Target(row.type, row.id, row.name)
    left_out = _RESTORE[row.type](work, target, row.content)
    held = row.content["grants"]
    missing = len(held) - kept_grants.give_again(work, held)
    gone = say("grants whose role, folder or holder is gone: %(count)s", count=missing)
    left_out += [(missing, gone)]
    if row.type != "folder":
        left_out += [_join(work, target, row.content["groups"])]
    told = tuple(sentence for number, sentence in left_out if number)
    work.record(f"{row.type}.restored", target, after={"left_out": list(told)} if told else None)
    return Restored(target, told)


def _restore_user(work: Work, target: Target, content: dict[str, Any]) -> list[Missing]:
    users.create(work, Profile(**content["profile"]), restored=_columns(work, target, content))
    return []


def _restore_group(work: Work, target: Target, content: dict[str, Any]) -> list[Missing]:
    profile = GroupProfile(**content["profile"])
    groups.create(work, profile, restored=_columns(work, target, content))
    people, inner = _there(work, User, content["members"]), _there(work, Group, content["members"])
    memberships.add(work, str(target.id), people)
    unfit = [each for each in inner if not _nested(work, str(target.id), each)]
    gone = len(content["members"]) - len(people) - len(inner)
    beyond = content.get("members_left_out", 0)
    return [
        (gone, say("members that are gone: %(count)s", count=gone)),
        (len(unfit), say("members that contain it by now: %(count)s", count=len(unfit))),
        (beyond, say("members beyond those that are kept: %(count)s", count=beyond)),
    ]


def _restore_folder(work: Work, target: Target, content: dict[str, Any]) -> list[Missing]:
    profile = FolderProfile(**content["profile"])
    try:
        folders.create_again(work, profile, _columns(work, target, content))
    except NotFound as error:
        raise ParentGone(profile.name, str(profile.parent_id)) from error
    missing = 0
    for mapping in content["mappings"]:
        try:
            mappings.create(work, folder_id=str(target.id), **mapping)
        except (NotFound, Invalid):
            missing += 1
    gone = say("mappings whose role or connection is gone: %(count)s", count=missing)
    return [(missing, gone)]


_RESTORE: dict[str, Callable[[Work, Target, dict[str, Any]], list[Missing]]] = {
    "user": _restore_user,
    "group": _restore_group,
    "folder": _restore_folder,
}


def _columns(work: Work, target: Target, content: dict[str, Any]) -> dict[str, Any]:
    """Return what the row has besides the profile, with the version after that of the old one."""
    columns = dict(content["columns"])
    columns["created_at"] = datetime.fromisoformat(columns["created_at"])
    columns["version"] += 1
    connection = columns.get("connection_id")
    if connection and not _there(work, Connection, [connection]):
        columns["connection_id"] = None
    return columns | {"id": target.id}


def _join(work: Work, target: Target, group_ids: list[str]) -> Missing:
    """Put it into the groups it was in, and tell how many it is not in again."""
    there = _there(work, Group, group_ids)
    joined = sum(_nested(work, each, str(target.id)) for each in there)
    missing = len(group_ids) - joined
    return missing, say("groups it was in: %(count)s", count=missing)


def _nested(work: Work, group_id: str, member_id: str) -> bool:
    """Add a member that is there; not if the group would come to contain itself."""
    try:
        memberships.add(work, group_id, [member_id])
    except Invalid:
        return False
    return True


def _there(
    work: Work, table: type[User] | type[Group] | type[Connection], ids: Iterable[str]
) -> list[str]:
    """Return which of the ids are in a table still."""
    found: list[str] = []
    for chunk in chunks(ids):
        query = select(table.id).where(table.account_id == work.account_id, table.id.in_(chunk))
        found += db.session.scalars(query)
    return sorted(found)
