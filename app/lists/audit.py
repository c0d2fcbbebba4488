"""The audit log of an account: what happened, the newest first; and how it is exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, literal_column, or_, select

from app.lists.paging import LONGEST_PAGE, Order, Page, page_of
from app.lists.spreadsheets import CONTENT_TYPE, line
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import AuditEvent

NEWEST_FIRST = Order("at", AuditEvent.at, AuditEvent.id, descending=True)
COLUMNS = (
    *("at", "id", "action", "outcome", "reason", "actor_type", "actor_id", "actor_name"),
    *("target_type", "target_id", "target_name", "surface", "address", "request_id"),
    *("before", "after", "sequence", "seal"),
)
"""The columns of CSV, in their order."""


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which events are wanted; what is None is not asked."""

    action: str | None = None
    """``user.deleted``, or all that begin so: ``user.``."""
    actor: str | None = None
    """Id or name of who did it."""
    target_type: str | None = None
    """``user``, ``group``, ``folder``, …"""
    target: str | None = None
    """Id or name of what it was done to. With its type, an id is found at once."""
    surface: str | None = None
    outcome: str | None = None
    """``success`` or ``refused``."""
    address: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""


def listed(
    account_id: str, wanted: AuditFilter, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of events, the newest first.

    :raises BadCursor: When the cursor is none of this list.
    """
    query = select(AuditEvent.__table__).where(
        AuditEvent.account_id == account_id, *_conditions(wanted)
    )
    return page_of(query, NEWEST_FIRST, _documents, cursor=cursor, limit=limit)


def every(account_id: str, wanted: AuditFilter) -> Iterator[dict[str, Any]]:
    """Return all events that are wanted, as :func:`listed` does, with one page in memory.

    What happens meanwhile is not among them. Not within a write: no transaction stays open
    between two pages, however slow the reader is.
    """
    cursor = None
    while True:
        page = listed(account_id, wanted, cursor=cursor, limit=LONGEST_PAGE)
        db.session.rollback()
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def as_jsonl(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Return events as JSON, one on each line."""
    for event in events:
        yield orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE).decode()


def as_csv(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Return events as CSV with a header, a record at a time (see ``app.lists.spreadsheets``)."""
    yield line(COLUMNS)
    for event in events:
        flat = event | {
            f"{who}_{what}": event[who][what]
            for who in ("actor", "target")
            for what in ("type", "id", "name")
        }
        yield line(flat[name] for name in COLUMNS)


FORMATS = {
    "jsonl": ("application/x-ndjson", as_jsonl),
    "csv": (CONTENT_TYPE, as_csv),
}
"""The content type of each form of export, and what makes its lines."""


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.action is not None and wanted.action.endswith("."):
        found.append(begins_with(AuditEvent.action, wanted.action))
    elif wanted.action is not None:
        found.append(AuditEvent.action == wanted.action)
    if wanted.actor is not None:
        found.append(_is(wanted.actor, AuditEvent.actor_id, AuditEvent.actor_name))
    if wanted.target is not None:
        found.append(_is(wanted.target, AuditEvent.target_id, AuditEvent.target_name))
    if wanted.outcome == "refused":
        # Spelled out: the index of what was refused serves only where this is no parameter.
        found.append(AuditEvent.outcome == literal_column("'refused'"))
    elif wanted.outcome is not None:
        found.append(AuditEvent.outcome == wanted.outcome)
    for name in ("target_type", "surface", "address", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(getattr(AuditEvent, name) == value)
    if wanted.since is not None:
        found.append(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditEvent.at < wanted.until)
    return found


def _is(text: str, id_: Any, name: Any) -> ColumnElement[bool]:
    """Return the condition on an id or a name; for what looks like an id, one an index serves."""
    like_an_id = len(text) == 36 and not set(text) - set("0123456789abcdef-")
    by_id: ColumnElement[bool] = id_ == text
    return by_id if like_an_id else or_(by_id, name == text)


def _documents(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [_document(row) for row in rows]


def _document(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "action": row.action,
        "outcome": row.outcome,
        "reason": row.reason,
        "actor": {"type": row.actor_type, "id": row.actor_id, "name": row.actor_name},
        "target": {"type": row.target_type, "id": row.target_id, "name": row.target_name},
        "surface": row.surface,
        "address": row.address,
        "request_id": row.request_id,
        "before": row.before,
        "after": row.after,
        "sequence": row.sequence,
        "seal": row.seal,
    }
