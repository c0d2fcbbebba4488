"""Many rows at once: several times faster than one statement's parameters after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Table,
    bindparam,
    insert,
    literal,
    text,
)
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeEngine

from app.store.database import db, write_transaction
from app.store.prepared import Prepared, among_texts
from app.store.types import Text, Texts, storable

FEW = 20
"""Up to so many rows the usual way is as fast."""
TIMES = 4
"""How many times as much as there was is written to a table until it is analyzed once more."""


def insert_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into a table, all of them or none.

    :param rows: Values by column; all have the columns of the first. A column that is left out
        gets its default.
    :raises IntegrityError: When a row breaks a constraint.
    :raises ValueError: When a column is left out whose default is made up for each row.
    """
    if len(rows) <= FEW:
        if rows:
            _insert(table, tuple(rows[0])).run_each(rows)
        return
    connection = db.session.connection()
    names, columns = _columns(connection, table, rows)
    prepared = connection.dialect.identifier_preparer
    into = f"{prepared.format_table(table)} ({', '.join(map(prepared.quote, names))})"
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        stored = list(zip(*columns, strict=True))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", stored)  # noqa: S608
        return
    from app.store.copying import copy  # It brings PostgreSQL's driver, which is not always there.

    copy(connection, into, columns, len(rows))


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Prepared:
    """Return the statement that inserts one row with these columns, and the others' defaults."""

    def build() -> Insert:
        values = {name: bindparam(name, type_=table.c[name].type) for name in names}
        for column in table.columns:
            if column.name not in values and column.default is not None:
                values[column.name] = _default(column)
        return insert(table).values(values)

    return Prepared(build)


def _default(column: Column[Any]) -> BindParameter[Any]:
    default: Any = column.default
    if default.is_scalar:
        return bindparam(None, default.arg, type_=column.type)
    return bindparam(None, callable_=lambda: default.arg(None), type_=column.type)


def among(column: Any, texts: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of many texts."""
    return among_texts(column, literal(sorted(texts), Texts()))


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


def analyze_grown(tables: Iterable[Table], rows: int) -> None:
    """Let PostgreSQL analyze those tables that have grown by much since it did so last.

    By itself it does so too, a minute later; in that time a provider writes a hundred thousand.

    :param rows: How many have just been written to each, as far as the caller knows; PostgreSQL
        has counted them some seconds later.
    """
    if db.session.get_bind().dialect.name != "postgresql":
        return
    named = {each.name: each for each in tables}
    grown = set(db.session.scalars(_GROWN, {"names": list(named), "rows": rows, "times": TIMES}))
    db.session.rollback()
    if grown:
        analyze(*(named[name] for name in sorted(grown)))


_GROWN = text(
    "SELECT relname FROM pg_class WHERE relname = ANY (:names) AND pg_table_is_visible(oid) "
    "AND greatest(:rows, pg_stat_get_mod_since_analyze(oid) / :times) > greatest(reltuples, 0)"
)


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
