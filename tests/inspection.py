"""What the tests look at besides results: rows, audit events, SQL statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, event, func, literal, select, union_all

from app.store.database import Base, db
from app.store.models import Account, AuditEvent, OutgoingEvent


def rows(table: type[Base], **equal: Any) -> list[Any]:
    """The rows of a table whose columns have these values, as they are in the database."""
    db.session.rollback()
    columns = table.__table__
    where = [columns.c[name] == value for name, value in equal.items()]
    return list(db.session.execute(select(columns).where(*where).order_by(*columns.primary_key)))


def row(table: type[Base], **equal: Any) -> Any:
    """The one such row."""
    (found,) = rows(table, **equal)
    return found


def rows_of(account_id: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of an account, by table."""
    db.session.rollback()
    return {
        table.name: [
            tuple(row)
            for row in db.session.execute(
                select(table).where(table.c.account_id == account_id).order_by(*table.primary_key)
            )
        ]
        for table in db.metadata.sorted_tables
        if "account_id" in table.c
    }


def audit(account_id: str, *actions: str) -> list[Any]:
    """The audit events of an account, or those of the named actions, oldest first."""
    found = rows(AuditEvent, account_id=account_id)
    return [each for each in found if not actions or each.action in actions]


def outgoing(account_id: str) -> list[str]:
    """The types of the account's outgoing events, oldest first."""
    return [each.type for each in rows(OutgoingEvent, account_id=account_id)]


def epoch(account_id: str) -> int:
    return row(Account, id=account_id).access_epoch


def fingerprint() -> dict[str, tuple[int, ...]]:
    """How many rows each table has, and sums of versions: equal when nothing was written."""
    db.session.rollback()
    return {name: tuple(counts) for name, *counts in db.session.execute(_counts())}


@cache
def _counts() -> CompoundSelect[Any]:
    counted = []
    for table in db.metadata.sorted_tables:
        sums = [
            func.coalesce(func.sum(table.c[name]), 0) if name in table.c else literal(0)
            for name in ("version", "access_epoch")
        ]
        counted.append(select(literal(table.name), func.count(), *sums).select_from(table))
    return union_all(*counted)


@contextmanager
def plans() -> Iterator[list[str]]:
    """Collect the steps of the database's plans for the queries of the block."""
    steps: list[str] = []
    is_sqlite = db.engine.dialect.name == "sqlite"

    def explain(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(("SELECT", "WITH")):
            return
        # A prepared statement runs on the driver's connection itself.
        sqlalchemys = isinstance(connection, Connection)
        driver = connection.connection.dbapi_connection if sqlalchemys else connection
        if is_sqlite:
            plan = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[3] for row in plan)
        else:
            plan = driver.execute(f"EXPLAIN (COSTS off) {statement}", parameters)
            steps.extend(row[0].strip() for row in plan)

    event.listen(db.engine, "before_cursor_execute", explain)
    try:
        yield steps
    finally:
        event.remove(db.engine, "before_cursor_execute", explain)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements of the block, those that open transactions left out."""
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@dataclass
class Labour:
    """What the database did: on SQLite the steps of its machine, one for each row and more."""

    statements: int = 0
    steps: int = 0
    rows_written: int = 0


@contextmanager
def labour() -> Iterator[Labour]:
    """Measure the work of the statements of the block; steps and rows on SQLite alone.

    A search in an index is one step, however large it is; to go through rows is several each.
    """
    done = Labour()
    watched: dict[int, tuple[sqlite3.Connection, int]] = {}

    def step() -> None:
        done.steps += 1

    def watch(connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            done.statements += 1
        driver = cursor.connection
        if isinstance(driver, sqlite3.Connection) and id(driver) not in watched:
            watched[id(driver)] = driver, driver.total_changes
            driver.set_progress_handler(step, 1)

    event.listen(db.engine, "before_cursor_execute", watch)
    try:
        yield done
    finally:
        event.remove(db.engine, "before_cursor_execute", watch)
        for driver, before in watched.values():
            driver.set_progress_handler(None, 0)
            done.rows_written += driver.total_changes - before
