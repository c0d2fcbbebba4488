"""What was answered, held to what is in the database: rows, audit events, outgoing events."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select, text

from app.directory import audit_chain, audit_check
from app.store.database import close_database, db
from app.store.models import Account, AuditEvent, OutgoingEvent, User
from tests.conftest import make_app
from tests.faults.load import Ledger


def compare(database_url: str, ledger: Ledger) -> dict[str, int]:
    """Hold a database to what clients were told; return how many writes that were.

    A write that was acknowledged is there, once, with its events; another one is there whole, or
    not at all.

    :raises AssertionError: When they do not agree.
    """
    with make_app(database_url).app_context():
        try:
            account = db.session.execute(select(Account.__table__)).one()
            audit = _rows(AuditEvent, account.id)
            _check_events(audit, _rows(OutgoingEvent, account.id))
            written = _check_writes(audit, ledger)
            _check_people(audit, _rows(User, account.id), account.user_count)
            _check_database(account.id)
        finally:
            close_database()
    return written


def _rows(model: Any, account_id: str) -> list[Any]:
    table = model.__table__
    query = select(table).where(table.c.account_id == account_id).order_by(table.c.id)
    return list(db.session.execute(query))


def _check_events(audit: list[Any], outgoing: list[Any]) -> None:
    """Each change has one event for the log and one for others, and neither is there alone."""
    told = [(each.id, each.type) for each in outgoing]
    assert told == [(each.id, each.action) for each in audit if each.outcome == "success"]


def _check_writes(audit: list[Any], ledger: Ledger) -> dict[str, int]:
    done = defaultdict(list)
    for event in audit:
        done[event.request_id].append((event.action, event.target_id))
    lost = [
        each
        for each in ledger.acknowledged
        if done.pop(each.request_id, None) != [(each.action, each.user_id)]
    ]
    assert not lost, lost[:3]
    unanswered = 0
    for each in ledger.sent:
        actions = [action for action, _ in done.pop(each.request_id, [])]
        assert actions in ([], [each.action]), each
        unanswered += bool(actions)
    assert not [key for key in done if (key or "").startswith("load-")]
    return {
        "acknowledged": len(ledger.acknowledged),
        "lost": len(lost),
        "written but not answered": unanswered,
        "refused or not answered": len(ledger.sent) - len(ledger.acknowledged),
    }


def _check_people(audit: list[Any], people: list[Any], counted: int) -> None:
    """The rows are what the events say."""
    expected: dict[str, Any] = {}
    for event in sorted(audit, key=lambda each: (each.at, each.id)):
        if event.action in ("user.created", "user.updated"):
            changed = event.after.get("displayName", expected.get(event.target_id))
            expected[event.target_id] = changed
        elif event.action == "user.deleted":
            del expected[event.target_id]
    assert {each.id: each.display_name or None for each in people} == expected
    assert counted == len(people)


def _check_database(account_id: str) -> None:
    db.session.rollback()
    audit_chain.seal_all()
    report = audit_check.check(account_id)
    assert (report.findings, report.unsealed) == ([], 0)
    if db.engine.dialect.name == "sqlite":
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
