"""The driver's own connection, for statements that are ready: a tenth of what the usual way takes.

A read outside of any transaction stands for itself; those in :func:`reading` see one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from flask import Flask, g
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.store.database import db

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values by place on SQLite, by name on PostgreSQL."""
Result = TypeVar("Result")


def init_driver(app: Flask) -> None:
    """Give back at the end of each context the connection it read with."""
    app.teardown_appcontext(_give_back)


def query(statement: str, parameters: Parameters) -> list[Any]:
    """Return the rows a statement finds, as tuples."""
    found: list[Any] = _run(statement, parameters, lambda cursor: cursor.fetchall())
    return found


def write(statement: str, parameters: Parameters) -> int:
    """Run a statement that writes, within a write transaction; return how many rows it met.

    :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
    """
    met: int = _run(statement, parameters, lambda cursor: cursor.rowcount)
    return met


def write_many(statement: str, many: Sequence[Parameters]) -> None:
    """Run a statement that writes once for each set of parameters.

    :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
    """
    _run(statement, many, lambda _: None, many=True)


@contextmanager
def reading() -> Iterator[None]:
    """Enclose reads that must see one state of the database. A transaction around it does so too.

    On PostgreSQL each statement sees what is committed when it begins, here as elsewhere.
    """
    connection = _connection()
    if db.engine.dialect.name != "sqlite" or connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _run(
    statement: str, parameters: Any, result: Callable[[Any], Result], *, many: bool = False
) -> Result:
    engine = db.engine
    connection = _connection()
    cursor = connection.cursor()
    if engine.dispatch.before_cursor_execute:
        for listener in engine.dispatch.before_cursor_execute:
            listener(connection, cursor, statement, parameters, None, many)
    try:
        if many:
            cursor.executemany(statement, parameters)
        else:
            cursor.execute(statement, parameters)
        return result(cursor)
    except engine.dialect.loaded_dbapi.Error as error:
        _give_up(error)
        raise _as_sqlalchemy_says(engine, statement, error) from error
    finally:
        cursor.close()


def _connection() -> Any:
    """Return the connection of the session's transaction, or else one of the context's own."""
    writing = g.get("writing")
    if writing is not None:
        return writing
    if db.session.registry.has() and (session := db.session()).in_transaction():
        return session.connection().connection.driver_connection
    found = g.get("driver")
    if found is None:
        found = g.driver = cast(Any, db.engine.raw_connection())
        if db.engine.dialect.name != "sqlite":
            found.driver_connection.autocommit = True
    return found.driver_connection


def _give_back(_error: BaseException | None = None) -> None:
    connection: Any = g.pop("driver", None)
    if connection is not None:
        if db.engine.dialect.name != "sqlite" and not connection.driver_connection.closed:
            connection.driver_connection.autocommit = False
        connection.close()


def _give_up(error: Any) -> None:
    """Part with a connection of the context that has been lost."""
    lost = g.get("driver")
    if lost is not None and db.engine.dialect.is_disconnect(error, lost, None):
        g.pop("driver").invalidate(error)


def _as_sqlalchemy_says(engine: Engine, statement: str, error: Any) -> BaseException:
    base: Any = engine.dialect.loaded_dbapi.Error
    found: BaseException = DBAPIError.instance(
        statement, None, error, base, hide_parameters=True, dialect=engine.dialect
    )
    return found
