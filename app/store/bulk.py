"""Many rows at once: several times faster than one statement's parameters after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Insert, Table, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from app.store.database import db

FEW = 20
"""Up to so many rows the usual way is as fast."""
Process = Callable[[Any], Any]


def insert_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table, all of them or none.

    :param rows: Values by column; all have the columns of the first. A column that is left out
        gets its default.
    :raises IntegrityError: When a row breaks a constraint.
    :raises ValueError: When a column is left out whose default is made up for each row.
    """
    if len(rows) <= FEW:
        if rows:
            db.session.execute(_insert(table), rows)
        return
    connection = db.session.connection()
    names, columns = _columns(connection, table, rows)
    prepared = connection.dialect.identifier_preparer
    into = f"{prepared.format_table(table)} ({', '.join(map(prepared.quote, names))})"
    stored = zip(*columns, strict=True)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", list(stored))  # noqa: S608
        return
    statement = f"COPY {into} FROM STDIN"
    try:
        raw: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for row in stored:
                copy.write_row(row)
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error


@cache
def _insert(table: Table) -> Insert:
    """Return the usual statement; building it anew for every write takes a while."""
    return insert(table)


def by_index() -> None:
    """Find rows by indexes until this transaction ends, as SQLite always does.

    PostgreSQL plans by the size a table had when it last looked. In one that grows by the thousand
    it would go through all rows for each foreign key, until it looks again a minute later.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        db.session.execute(text("DISCARD PLANS"))


def _columns(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns to write, and the values of each as the driver takes them."""
    names = list(rows[0])
    values = [[row[name] for row in rows] for name in names]
    for column in table.columns:
        if column.name not in rows[0] and column.default is not None:
            if not isinstance(column.default, ScalarElementColumnDefault):
                raise ValueError(f"{table.name}.{column.name} differs from row to row")
            names.append(column.name)
            values.append([column.default.arg] * len(rows))
    processes = [_process(connection, table, name) for name in names]
    return names, [_processed(*each) for each in zip(values, processes, strict=True)]


def _process(connection: Connection, table: Table, name: str) -> Process | None:
    dialect = connection.dialect
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def _processed(values: list[Any], process: Process | None) -> list[Any]:
    if process is None:
        return values
    found = []
    last: Any = process  # no value: nothing is stored yet
    for value in values:
        if value is not last:  # Most columns say the same in every row.
            last, stored = value, process(value)
        found.append(stored)
    return found
