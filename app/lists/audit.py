"""The audit log of an account: page by page, or all of it as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import StringIO
from typing import Any

import orjson
from sqlalchemy import ColumnElement, or_, select

from app.lists.paging import LONGEST_PAGE, Order, Page, page_of
from app.store.models import AuditEvent
from app.store.types import now

NEWEST_FIRST = Order("at", AuditEvent.at, AuditEvent.id, descending=True)
OLDEST_FIRST = replace(NEWEST_FIRST, descending=False)
COLUMNS = (
    *("id", "at", "action", "outcome", "reason", "surface", "address", "request_id"),
    *("actor_type", "actor_id", "actor_name", "target_type", "target_id", "target_name"),
    *("before", "after", "sequence", "seal"),
)
FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
"""How the log can be exported, with the type of each."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which events are wanted; what is None is not asked."""

    action: str | None = None
    """An action such as ``user.created``; ``user.`` for all that begin so."""
    outcome: str | None = None
    """``success`` or ``refused``."""
    actor: str | None = None
    """Id or name of who did it."""
    target_type: str | None = None
    target: str | None = None
    """Id of what it was done to."""
    surface: str | None = None
    address: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


def listed(
    account_id: str, wanted: AuditFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of events, the newest first.

    :raises BadCursor: When the cursor is none of this list.
    """
    return _page(account_id, wanted, NEWEST_FIRST, cursor, limit)


def every(account_id: str, wanted: AuditFilter) -> Iterator[dict[str, Any]]:
    """Return all events, the oldest first, up to now.

    They are read a page at a time: memory stays the same, and no transaction is held open.
    """
    wanted = replace(wanted, until=min(wanted.until or now(), now()))
    cursor: str | None = None
    while True:
        page = _page(account_id, wanted, OLDEST_FIRST, cursor, LONGEST_PAGE)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def exported(events: Iterable[dict[str, Any]], format_: str) -> Iterator[bytes]:
    """Return events as the lines of a file.

    :param format_: Of ``FORMATS``. In CSV, what a spreadsheet would take for a formula begins with
        an apostrophe.
    """
    if format_ == "jsonl":
        for event in events:
            yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        return
    yield _csv_line(COLUMNS)
    for event in events:
        yield _csv_line([_cell(event[name]) for name in COLUMNS])


def _page(
    account_id: str, wanted: AuditFilter, order: Order, cursor: str | None, limit: int
) -> Page[dict[str, Any]]:
    columns = [getattr(AuditEvent, name) for name in COLUMNS]
    query = select(*columns).where(AuditEvent.account_id == account_id, *_conditions(wanted))
    return page_of(query, order, _documents, cursor=cursor, limit=limit)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in ("outcome", "target_type", "surface", "address", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(getattr(AuditEvent, name) == value)
    if wanted.action is not None and wanted.action.endswith("."):
        found.append(AuditEvent.action.between(wanted.action, wanted.action + "\U0010ffff"))
    elif wanted.action is not None:
        found.append(AuditEvent.action == wanted.action)
    if wanted.actor is not None:
        named = AuditEvent.actor_name == wanted.actor
        found.append(or_(AuditEvent.actor_id == wanted.actor, named))
    if wanted.target is not None:
        found.append(AuditEvent.target_id == wanted.target)
    if wanted.since is not None:
        found.append(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditEvent.at < wanted.until)
    return found


def _documents(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: row._mapping[name] for name in COLUMNS} for row in rows]


def _csv_line(cells: Sequence[str]) -> bytes:
    text = StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
