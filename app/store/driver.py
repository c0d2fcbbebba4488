"""A connection of the driver, for statements that are ready: a tenth of the usual way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from threading import local
from typing import Any
from weakref import finalize

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values by place on SQLite, by name on PostgreSQL."""
log = structlog.get_logger("gatehouse")


class Driver:
    """One connection of the driver, and what is to know of it.

    :param connection: As the driver made it.
    """

    __slots__ = ("__weakref__", "connection", "dialect", "engine", "kind")

    def __init__(self, engine: Engine, connection: Any) -> None:
        self.engine, self.connection = engine, connection
        self.dialect = engine.dialect
        self.kind = engine.dialect.name
        """``sqlite`` or ``postgresql``."""

    @property
    def is_lost(self) -> bool:
        """Whether the server, or the way to it, has gone."""
        return self.kind != "sqlite" and (self.connection.closed or self.connection.broken)

    def begin(self) -> None:
        """Begin a transaction that writes.

        :raises sqlalchemy.exc.OperationalError: When it has waited too long for another one.
        """
        # SQLite takes its one write lock now, so that a transaction that reads and then writes
        # never fails half way because another one wrote in between.
        self.write("BEGIN IMMEDIATE" if self.kind == "sqlite" else "BEGIN", ())

    def commit(self) -> None:
        """Keep what was written since :meth:`begin`.

        :raises sqlalchemy.exc.DBAPIError: When that cannot be.
        """
        try:
            self.connection.commit()
        except self.dialect.loaded_dbapi.Error as error:
            raise as_sqlalchemy_says(self.engine, "COMMIT", error) from error

    def query(self, statement: str, parameters: Parameters) -> list[Any]:
        """Return the rows a statement finds, as tuples."""
        cursor = self._run(statement, parameters)
        rows: list[Any] = cursor.fetchall()
        cursor.close()
        return rows

    def write(self, statement: str, parameters: Parameters) -> int:
        """Run a statement that writes; return how many rows it met.

        :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
        """
        cursor = self._run(statement, parameters)
        met: int = cursor.rowcount
        cursor.close()
        return met

    def write_many(self, statement: str, many: Sequence[Parameters]) -> None:
        """Run a statement that writes once for each set of parameters.

        :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
        """
        self._run(statement, many, many=True).close()

    def _run(self, statement: str, parameters: Any, *, many: bool = False) -> Any:
        cursor = self.connection.cursor()
        if self.engine.dispatch.before_cursor_execute:
            for listener in self.engine.dispatch.before_cursor_execute:
                listener(self.connection, cursor, statement, parameters, None, many)
        try:
            if many:
                cursor.executemany(statement, parameters)
            else:
                cursor.execute(statement, parameters)
        except self.dialect.loaded_dbapi.Error as error:
            cursor.close()
            raise as_sqlalchemy_says(self.engine, statement, error) from error
        return cursor


def as_sqlalchemy_says(engine: Engine, statement: str, error: Any) -> BaseException:
    """Return the error of SQLAlchemy that one of the driver is, by the statement that met it."""
    base: Any = engine.dialect.loaded_dbapi.Error
    found: BaseException = DBAPIError.instance(
        statement, None, error, base, hide_parameters=True, dialect=engine.dialect
    )
    return found


class _OfThread(local):
    """The connection of a thread, kept from one request to the next."""

    driver: Driver | None = None
    owner: Any = None
    """How SQLAlchemy knows it."""
    end: Any = None
    """Leaves it to others when the thread ends."""
    pool: Any = None
    """Another one has taken its place when the database was closed."""


_thread = _OfThread()
_left: deque[Any] = deque()
"""Connections of threads that have ended. An ending thread must not close its own: SQLite then
gives up the functions it was taught, and Python before 3.13 crashes over them in such a thread."""


def of_thread(engine: Engine) -> Driver:
    """Return the connection of this thread, on which each statement is kept by itself."""
    found = _thread.driver
    if found is None or _thread.pool is not engine.pool or found.is_lost:
        return _check_out(engine)
    return found


def is_of_thread(driver: Driver) -> bool:
    return driver is _thread.driver


def join(driver: Driver) -> Connection:
    """Return the connection of this thread, in its transaction, as SQLAlchemy knows one."""
    joined = Connection(driver.engine, connection=_thread.owner)
    joined = joined.execution_options(gatehouse_begun=True)
    joined.begin()
    return joined


def close() -> None:
    """Close the connection of this thread."""
    if _thread.end is not None:
        _thread.end.detach()
        _thread.owner.close()
        _thread.driver = _thread.owner = _thread.end = None


def close_left() -> None:
    """Close the connections of threads that have ended."""
    while _left:
        try:
            owner = _left.popleft()
        except IndexError:  # Another thread was quicker.
            return
        try:
            owner.close()
        except Exception as error:  # It is lost either way; others wait to be closed.
            log.error("connection not closed", exc_info=error)


def _check_out(engine: Engine) -> Driver:
    close()
    close_left()
    try:
        owner: Any = engine.raw_connection()
    except engine.dialect.loaded_dbapi.Error as error:
        raise as_sqlalchemy_says(engine, "", error) from error
    owner.detach()  # It commits by itself, so it must never serve a session.
    driver = Driver(engine, owner.dbapi_connection)
    if driver.kind != "sqlite":
        driver.connection.autocommit = True
    _thread.driver, _thread.owner, _thread.pool = driver, owner, engine.pool
    # What SQLAlchemy has of it goes in circles, which nobody would look for for a long time.
    _thread.end = finalize(driver, _left.append, owner)
    _thread.end.atexit = False  # Other threads may still be at work then.
    return driver
