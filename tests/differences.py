"""A write that changes what people reach, and what a write changes for them, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.access.difference import Difference
from app.access.folders import VisibleFolder
from app.directory import folders
from app.directory.work import Work


def change_folder(work: Work, folder_id: str, **changes: Any) -> None:
    profile = folders.profile_of(work.account_id, folder_id)
    folders.replace(work, folder_id, replace(profile, **changes))


def told(found: Difference) -> dict[str, tuple[list[str], list[str]]]:
    """What each user gains and loses, in words, by user name."""
    return {
        change.user_name: (
            words(change.gained_roles, change.gained_folders),
            words(change.lost_roles, change.lost_folders),
        )
        for change in found.changes
    }


def words(roles: frozenset[str], visible: tuple[VisibleFolder, ...]) -> list[str]:
    return sorted(roles) + [f"{each.path}: {', '.join(each.roles)}" for each in visible]
