"""Where mappings say more than is needed, or not the same: what an editor of them should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.access.permissions import permissions_of
from app.access.tree import reaching, ways_up
from app.store.database import db
from app.store.models import Mapping, Role

LOOKED_AT = 1000
"""How many mappings with the same words are compared at the most."""


@dataclass(frozen=True)
class Conflict:
    """Another mapping of the same words that has something to do with this one."""

    kind: str
    """``same``: it gives the very same. ``covers``: it gives all of it and more, here or above.
    ``beside``: on the same place it gives another role, and both count."""
    other_id: str
    role: str
    folder_id: str | None


def conflicts_of(account_id: str, mapping_ids: Sequence[str]) -> dict[str, list[Conflict]]:
    """Return the conflicts of mappings, by their ids; those without any are left out.

    Three statements, however many are asked.
    """
    asked = _mappings(account_id, Mapping.id.in_(list(mapping_ids)))
    words = {row.match_key for row in asked}
    kinds = {row.match_by for row in asked}
    same_words = Mapping.match_by.in_(kinds) & Mapping.match_key.in_(words)
    others = _mappings(account_id, same_words) if words else []
    ways = ways_up(account_id, {row.folder_id for row in asked if row.folder_id})
    above = {folder_id: {step.id for step in reaching(way)} for folder_id, way in ways.items()}
    found: dict[str, list[Conflict]] = {}
    for row in asked:
        for other in others:
            kind = _kind(row, other, above.get(row.folder_id, set()))
            if kind is not None:
                conflict = Conflict(kind, other.id, other.role, other.folder_id)
                found.setdefault(row.id, []).append(conflict)
    return found


def _mappings(account_id: str, condition: Any) -> Sequence[Any]:
    query = (
        select(
            *(Mapping.id, Mapping.match_by, Mapping.match_key, Mapping.connection_id),
            *(Mapping.role_id, Mapping.folder_id),
            *(Role.name.label("role"), Role.scope, Role.built_in, Role.permissions),
        )
        .join(Role, (Role.account_id == Mapping.account_id) & (Role.id == Mapping.role_id))
        .where(Mapping.account_id == account_id, condition)
        .order_by(Mapping.id)
        .limit(LOOKED_AT)
    )
    return db.session.execute(query).all()


def _kind(row: Any, other: Any, above: set[str]) -> str | None:
    meets = other.connection_id in (None, row.connection_id) or row.connection_id is None
    if other.id == row.id or other.match_by != row.match_by or other.match_key != row.match_key:
        return None
    if not meets:
        return None
    if (other.role_id, other.folder_id) == (row.role_id, row.folder_id):
        return "same"
    reaches = other.folder_id in (None, row.folder_id) or other.folder_id in above
    counts_for_all = other.connection_id in (None, row.connection_id)
    if reaches and counts_for_all and _permits(other) >= _permits(row):
        return "covers"
    return "beside" if other.folder_id == row.folder_id else None


def _permits(row: Any) -> frozenset[str]:
    return permissions_of(row.scope, row.role_id, row.built_in, row.permissions)
