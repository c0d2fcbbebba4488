"""What drift reports found, page by page, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import select

from app.lists.spreadsheets import line
from app.store.database import db
from app.store.models import DriftRow

SHOWN = ("number", "kind", "user_id", "name", "changes")
AT_ONCE = 100
IN_WORDS = {"missing": "missing", "different": "different", "extra": "here alone"}
"""What people are told that somebody is, by kind."""


def rows(
    account_id: str,
    operation_id: str,
    *,
    kind: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Return the people of a report who are not as the provider says, in the order of the file.

    :param kind: ``missing``, ``different`` or ``extra``; None: all of them.
    :param after: The number after which they lie.
    """
    query = select(*(getattr(DriftRow, name) for name in SHOWN)).where(
        DriftRow.account_id == account_id,
        DriftRow.operation_id == operation_id,
        DriftRow.number > after,
        DriftRow.kind == kind if kind else DriftRow.kind != "same",
    )
    found = db.session.execute(query.order_by(DriftRow.number).limit(limit))
    return [dict(row._mapping) for row in found]


def as_csv(account_id: str, operation_id: str, *, in_words: bool) -> Iterator[str]:
    """Return all of them as CSV with a head: a record for each field that differs.

    Not within a write: no transaction stays open between two pages.

    :param in_words: Whether it is for people: ``here alone``, where programs read ``extra``.
    """
    yield line(["person", "what", "field", "here", "there"])
    after = 0
    while True:
        some = rows(account_id, operation_id, after=after, limit=AT_ONCE)
        db.session.rollback()
        for each in some:
            kind = IN_WORDS[each["kind"]] if in_words else each["kind"]
            changes = each["changes"] or {None: (None, None)}
            for name, (here, there) in changes.items():
                yield line([each["name"], kind, name, _text(here), _text(there)])
        if len(some) < AT_ONCE:
            return
        after = some[-1]["number"]


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return value if isinstance(value, str | None) else orjson.dumps(value).decode()
