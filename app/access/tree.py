"""The folder tree, looked at upwards: what lies above a folder, and whose grants hold on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.store.models import Folder, FolderClosure
from app.store.prepared import one_of, prepared
from app.store.types import Id

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
        for row in _ways.all(account_id=account_id, folder_ids=wanted[start : start + CHUNK]):
            step = Step(row.id, row.name, row.parent_id, row.restricted)
            ways[row.descendant_id].append(step)
    return dict(ways)


@prepared
def _ways() -> Select[*tuple[Any, ...]]:
    """Return the query of :func:`ways_up`."""
    return (
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
            FolderClosure.account_id == bindparam("account_id", type_=Id),
            one_of(FolderClosure.descendant_id, "folder_ids"),
        )
        .order_by(FolderClosure.depth)
    )


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
