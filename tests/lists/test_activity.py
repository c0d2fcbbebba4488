"""Figures of what happened: each event counts once, on its day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from flask_migrate import downgrade
from sqlalchemy import insert, update

from app.directory import audit_chain
from app.directory.audit_chain import seal
from app.directory.work import Actor, Target, record_refusal
from app.lists.activity import Day, changes, last_days, provisioning, sign_ins
from app.store.database import db, table, upgrade_database, use_migrations, write_transaction
from app.store.models import AuditDay, AuditEvent, ProvisioningEntry
from app.store.types import first_id, now
from tests.factories import a_group, a_link, a_session, a_user, an_account
from tests.inspection import rows, statements

ACTOR = Actor(type="user", name="Ada", surface="console")
DAY = timedelta(days=1)


def days(count: int = 3) -> list[date]:
    return last_days(count, now().date())


def happened(account_id: str, back: int, action: str, outcome: str = "success") -> None:
    """Write an event of some days ago."""
    at = now() - back * DAY
    row = {
        "account_id": account_id,
        "id": f"{first_id(at)}-7000-8000-{len(rows(AuditEvent)):012x}",
        "at": at,
        "action": action,
        "outcome": outcome,
        "actor_type": "system",
        "actor_name": "test",
        "surface": "cli",
        "target_type": "user",
    }
    with write_transaction():
        db.session.execute(insert(table(AuditEvent)), [row])


def asked_over_scim(account_id: str, at: datetime, status: int = 200) -> None:
    row = {
        "account_id": account_id,
        "id": f"{first_id(at)}-7000-8000-{len(rows(ProvisioningEntry)):012x}",
        "at": at,
        "actor_name": "okta",
        "method": "PATCH",
        "path": "/Users/1",
        "status": status,
        "duration_us": 1,
    }
    with write_transaction():
        db.session.execute(insert(table(ProvisioningEntry)), [row])


def test_last_days_end_today():
    today = date(2026, 3, 1)
    assert last_days(3, today) == [date(2026, 2, 27), date(2026, 2, 28), today]


def test_sign_ins_count_on_their_day_as_accepted_or_refused(account):
    for back, action, outcome in (
        (0, "session.opened", "success"),
        (0, "session.opened", "success"),
        (0, "sign_in.refused", "refused"),
        (1, "session.refused", "refused"),
        (1, "second_factor.refused", "refused"),
        (1, "session.revoked", "success"),
        (1, "directory.refused", "refused"),
        (3, "session.opened", "success"),
    ):
        happened(account, back, action, outcome)
    seal(account)
    before, yesterday, today = days()
    assert sign_ins(account, [before, yesterday, today]) == [
        Day(before, 0, 0),
        Day(yesterday, 0, 2),
        Day(today, 2, 1),
    ]
    assert sign_ins(an_account(), days()) == [Day(day, 0, 0) for day in days()]


def test_what_people_do_is_counted(account):
    user_id = a_user(account)
    a_session(account, user_id)
    a_link(account, user_id)
    a_group(account, members=[user_id])
    record_refusal(account, ACTOR, "session.refused", "no such user", Target("user", None))
    seal(account)
    assert sign_ins(account, days(1)) == [Day(now().date(), 1, 1)]
    found = changes(account, days(1))
    assert {kind: found[kind] for kind in ("user", "group", "sign_in_link")} == {
        "user": 1,
        "group": 2,
        "sign_in_link": 1,
    }
    assert "session" not in found


def test_changes_are_counted_by_kind_the_most_first(account):
    seal(account)
    with write_transaction():
        db.session.execute(AuditDay.__table__.delete())
    for back, action, outcome in (
        (0, "user.created", "success"),
        (1, "user.updated", "success"),
        (1, "group.created", "success"),
        (1, "second_factor.used", "success"),
        (1, "second_factor.added", "success"),
        (1, "audit.exported", "success"),
        (1, "connection.not_refreshed", "refused"),
        (5, "folder.created", "success"),
    ):
        happened(account, back, action, outcome)
    seal(account)
    assert list(changes(account, days()).items()) == [
        ("user", 2),
        ("group", 1),
        ("second_factor", 1),
    ]


def test_each_event_counts_once_however_it_is_sealed(account, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    for _ in range(3):
        for _ in range(5):
            happened(account, 0, "session.opened")
        seal(account)
        seal(account)
    assert sign_ins(account, days(1)) == [Day(now().date(), 15, 0)]
    counted = {(row.action, row.outcome): row.events for row in rows(AuditDay, account_id=account)}
    written: dict[tuple[str, str], int] = {}
    for row in rows(AuditEvent, account_id=account):
        key = (row.action, row.outcome)
        written[key] = written.get(key, 0) + 1
    assert counted == written


def test_what_was_sealed_before_is_counted_by_the_upgrade(account):
    happened(account, 1, "session.opened")
    happened(account, 0, "sign_in.refused", "refused")
    seal(account)
    happened(account, 0, "session.opened")  # not sealed yet
    before = rows(AuditDay)
    db.session.rollback()  # PostgreSQL drops no table that somebody still reads
    use_migrations()
    downgrade(revision="0004")
    upgrade_database()
    assert rows(AuditDay) == before
    seal(account)
    assert sign_ins(account, days(2)) == [
        Day(now().date() - DAY, 1, 0),
        Day(now().date(), 1, 1),
    ]


def test_a_seal_that_is_not_kept_counts_nothing(account, monkeypatch):
    happened(account, 0, "session.opened")
    from app.directory import audit_days

    add = audit_days.add

    def and_then_somebody_else(*args):
        add(*args)
        db.session.execute(update(AuditEvent).values(target_name="x"))
        raise RuntimeError

    monkeypatch.setattr(audit_days, "add", and_then_somebody_else)
    with pytest.raises(RuntimeError):
        seal(account)
    assert rows(AuditDay, account_id=account) == []
    monkeypatch.undo()
    seal(account)
    assert sign_ins(account, days(1)) == [Day(now().date(), 1, 0)]


def test_requests_of_providers_count_on_their_day(account):
    midnight = datetime.combine(now().date(), time(), UTC)
    for at, status in (
        (midnight, 200),
        (midnight, 400),
        (midnight - timedelta(milliseconds=1), 201),
        (midnight - DAY, 409),
        (midnight - 3 * DAY, 200),
    ):
        asked_over_scim(account, at, status)
    asked_over_scim(an_account(), midnight)
    before, yesterday, today = days()
    assert provisioning(account, [before, yesterday, today]) == [
        Day(before, 0, 0),
        Day(yesterday, 1, 1),
        Day(today, 1, 1),
    ]


def test_figures_cost_the_same_for_any_number_of_days_and_events(account):
    for _ in range(2):
        counts = []
        for period in (7, 90):
            with statements() as seen:
                sign_ins(account, days(period))
                changes(account, days(period))
                provisioning(account, days(period))
            counts.append(len(seen))
        assert counts == [3, 3]
        asked_over_scim(account, now())
        happened(account, 0, "session.opened")
        seal(account)
