"""Looking for texts by how they begin, with the help of an index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_

from app.store.types import comparison_key

_LAST = "\U0010ffff"


def begins_with(key: Any, prefix: str) -> ColumnElement[bool]:
    """Return the condition that a comparison key begins so, in any case.

    A range, not LIKE: keys are in order of code points on every database, and an index of them
    serves it.
    """
    first = comparison_key(prefix)
    return and_(key >= first, key < first + _LAST)
