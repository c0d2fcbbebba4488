"""How much happened, day by day. What is counted, and when: ``app.directory.audit_days``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select

from app.store.database import db
from app.store.functions import items_in, json_text
from app.store.models import AuditDay, ProvisioningEntry
from app.store.types import Id, Json, first_id

ACCEPTED = ("session.opened",)
"""The events of a sign-in that was let in, or on to its second factor."""
REFUSED = ("session.refused", "sign_in.refused", "second_factor.refused")
NO_CHANGES = (
    *("application.", "audit.", "session.", "sign_in."),
    *("second_factor.used", "break_glass.used"),
)
"""What actions begin with that change nothing."""


@dataclass(frozen=True)
class Day:
    """A day in UTC: how often it went well, and how often it did not."""

    day: date
    good: int
    bad: int


def last_days(count: int, today: date) -> list[date]:
    """Return so many days up to today, the oldest first."""
    return [today - timedelta(days=back) for back in reversed(range(count))]


def sign_ins(account_id: str, days: Sequence[date]) -> list[Day]:
    """Return how many sign-ins were accepted and refused on each of some days that follow."""
    accepted = case((AuditDay.action.in_(ACCEPTED), AuditDay.events), else_=0)
    refused = case((AuditDay.action.in_(REFUSED), AuditDay.events), else_=0)
    query = (
        select(AuditDay.day, func.sum(accepted).label("good"), func.sum(refused).label("bad"))
        .where(*_of(account_id, days))
        .group_by(AuditDay.day)
    )
    found = {row.day: Day(row.day, row.good, row.bad) for row in db.session.execute(query)}
    return [found.get(day) or Day(day, 0, 0) for day in days]


def changes(account_id: str, days: Sequence[date]) -> dict[str, int]:
    """Return how many changes there were by what was changed (``user``, …), the most first."""
    query = (
        select(AuditDay.action, func.sum(AuditDay.events).label("events"))
        .where(*_of(account_id, days), AuditDay.outcome == "success")
        .group_by(AuditDay.action)
    )
    found: dict[str, int] = {}
    for row in db.session.execute(query):
        if not row.action.startswith(NO_CHANGES):
            kind = row.action.partition(".")[0]
            found[kind] = found.get(kind, 0) + row.events
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def provisioning(account_id: str, days: Sequence[date]) -> list[Day]:
    """Return how many requests of providers were answered and failed on each of some days.

    Of what succeeded the log holds writes alone. Each day is a range of ids: counting 100,000
    entries takes a few milliseconds.
    """
    begins = [datetime.combine(day, time(), UTC) for day in days]
    bounds = [
        {"first": first_id(begin), "next": first_id(begin + timedelta(days=1))} for begin in begins
    ]
    values = {"account_id": account_id, "bounds": bounds}
    rows = db.session.execute(_entries(), values)
    counted = {row.first: (row.every, row.failed) for row in rows}
    found = []
    for day, bound in zip(days, bounds, strict=True):
        every, failed = counted[bound["first"]]
        found.append(Day(day, every - failed, failed))
    return found


def _of(account_id: str, days: Sequence[date]) -> tuple[ColumnElement[bool], ...]:
    return AuditDay.account_id == account_id, AuditDay.day.between(min(days), max(days))


@cache
def _entries() -> Select[*tuple[Any, ...]]:
    """Return the query of how many entries, and failed ones, lie between each two ids."""
    rows, item = items_in(bindparam("bounds", type_=Json))
    bounds = (
        select(json_text(item, "first").label("first"), json_text(item, "next").label("next"))
        .select_from(rows)
        .cte("bounds")
    )
    counted = select(func.count()).where(
        ProvisioningEntry.account_id == bindparam("account_id", type_=Id),
        ProvisioningEntry.id >= bounds.c.first,
        ProvisioningEntry.id < bounds.c.next,
    )
    # Spelled out: the index of failures serves only where this is no parameter.
    failed = counted.where(ProvisioningEntry.status >= literal_column("400"))
    return select(
        bounds.c.first,
        counted.scalar_subquery().label("every"),
        failed.scalar_subquery().label("failed"),
    )
