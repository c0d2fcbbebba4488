"""The folder tree, looked at upwards: what lies above a folder, and whose grants hold on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.store.database import db
from app.store.models import Folder, FolderClosure

CHUNK = 500
"""How many folders one statement asks about."""


@dataclass(frozen=True, slots=True)
class Step:
    """A folder on the way from another one up to the root."""

    id: str
    name: str
    parent_id: str | None
    restricted: bool


def ways_up(account_id: str, folder_ids: Iterable[str]) -> dict[str, list[Step]]:
    """Return for each folder the account has the way up: itself first, the root last."""
    wanted = sorted(set(folder_ids))
    ways: dict[str, list[Step]] = defaultdict(list)
    for start in range(0, len(wanted), CHUNK):
        rows = db.session.execute(
            select(
                FolderClosure.descendant_id,
                Folder.id,
                Folder.name,
                Folder.parent_id,
                Folder.restricted,
            )
            .join(
                Folder,
                (Folder.account_id == FolderClosure.account_id)
                & (Folder.id == FolderClosure.ancestor_id),
            )
            .where(
                FolderClosure.account_id == account_id,
                FolderClosure.descendant_id.in_(wanted[start : start + CHUNK]),
            )
            .order_by(FolderClosure.depth)
        )
        for row in rows:
            step = Step(row.id, row.name, row.parent_id, row.restricted)
            ways[row.descendant_id].append(step)
    return dict(ways)


def reaching(way: Sequence[Step]) -> list[Step]:
    """Return the folders of a way whose grants hold on its first one.

    They are those up to and including the nearest restricted one.
    """
    found = []
    for step in way:
        found.append(step)
        if step.restricted:
            break
    return found


def path_of(way: Sequence[Step]) -> str:
    """Return the path of the first folder of a way: ``/Brand/2026``; the root is ``/``."""
    names = ["" if step.parent_id is None else step.name for step in reversed(way)]
    return "/".join(names) or "/"
