"""A sealed chain of audit events, and hands that get at its rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete

from app.directory.audit_chain import Anchor
from app.directory.audit_check import check
from app.store.database import db, table, write_transaction
from app.store.models import AuditEvent
from tests.inspection import row

EVENTS = table(AuditEvent)


def problems(account_id: str, expect: Anchor | None = None) -> list[str]:
    return check(account_id, expect).findings


def at(account_id: str, sequence: int) -> Any:
    return row(AuditEvent, account_id=account_id, sequence=sequence)


def remove(event_id: str) -> None:
    with write_transaction():
        db.session.execute(delete(EVENTS).where(EVENTS.c.id == event_id))
