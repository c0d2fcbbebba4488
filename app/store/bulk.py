"""Many rows at once: several times faster than one statement's parameters after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    String,
    Table,
    any_,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from app.store.database import db, write_transaction
from app.store.types import Text, storable

FEW = 20
"""Up to so many rows the usual way is as fast."""


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


def among(column: Any, texts: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of many texts.

    They are one parameter: hundreds of them, as ``in_`` has, take longer to send than to find.
    """
    many = sorted(filter(storable, texts))
    if db.session.get_bind().dialect.name == "postgresql":
        of_all: ColumnElement[bool] = column == any_(literal(many, ARRAY(String)))
        return of_all
    one = func.json_each(orjson.dumps(many).decode()).table_valued("value")
    of_list: ColumnElement[bool] = column.in_(select(one.c.value))
    return of_list


def analyze(*tables: Table) -> None:
    """Let PostgreSQL analyze tables that grow by the thousand; SQLite finds rows without.

    It plans by what it knows of them. Of one that was empty when it was analyzed last it knows
    nothing: until that happens by itself, after a minute, it would go through all rows of an
    account.
    """
    if db.session.get_bind().dialect.name != "postgresql":
        return
    with write_transaction():
        prepared = db.session.connection().dialect.identifier_preparer
        for table in tables:
            db.session.execute(text(f"ANALYZE {prepared.format_table(table)}"))


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
    types = [table.c[name].type for name in names]
    dialect = connection.dialect
    return names, [
        _stored(column, type_, dialect) for column, type_ in zip(values, types, strict=True)
    ]


def _stored(values: list[Any], type_: TypeEngine[Any], dialect: Dialect) -> list[Any]:
    """Return the values of a column as the driver takes them."""
    if isinstance(type_, Text) and storable("".join(filter(None, values))):
        return values  # as the type says of each
    process = type_.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return values
    found = []
    last: Any = process  # no value: nothing is stored yet
    for value in values:
        if value is not last:  # Many columns say the same in every row.
            last, stored = value, process(value)
        found.append(stored)
    return found
