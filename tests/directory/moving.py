"""Changes of folders in the tests, and what the closure says then."""

from __future__ import annotations

from dataclasses import replace

from app.access.folders import folders_visible_to
from app.directory import folders
from app.directory.work import Actor
from app.store.models import Folder, FolderClosure
from tests.conftest import CLI_ACTOR, write
from tests.inspection import rows


def change(account_id: str, folder_id: str, *, version: int | None = None, **changes) -> bool:
    with write(account_id) as work:
        profile = replace(folders.profile_of(account_id, folder_id), **changes)
        return folders.replace(work, folder_id, profile, expected_version=version)


def delete(
    account_id: str, folder_id: str, *, version: int | None = None, actor: Actor = CLI_ACTOR
) -> None:
    with write(account_id, actor) as work:
        folders.delete(work, folder_id, expected_version=version)


def seen_by(account_id: str, user_id: str) -> list[str]:
    return [folder.path for folder in folders_visible_to(account_id, user_id)]


def closure(account_id: str) -> set[tuple[str, str, int]]:
    stored = rows(FolderClosure, account_id=account_id)
    return {(each.ancestor_id, each.descendant_id, each.depth) for each in stored}


def closure_of_parents(account_id: str) -> set[tuple[str, str, int]]:
    """What the closure must be, from ``parent_id`` alone."""
    parents = {each.id: each.parent_id for each in rows(Folder, account_id=account_id)}
    expected = set()
    for folder in parents:
        ancestor, depth = folder, 0
        while ancestor is not None:
            expected.add((ancestor, folder, depth))
            ancestor, depth = parents[ancestor], depth + 1
    return expected
