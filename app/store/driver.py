"""A connection of the driver, for statements that are ready: a tenth of the usual way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

Parameters = Sequence[Any] | Mapping[str, Any]
"""Values by place on SQLite, by name on PostgreSQL."""


class Driver:
    """One connection of the driver, and what is to know of it.

    :param connection: As the driver made it.
    """

    __slots__ = ("connection", "dialect", "engine", "kind")

    def __init__(self, engine: Engine, connection: Any) -> None:
        self.engine, self.connection = engine, connection
        self.dialect = engine.dialect
        self.kind = engine.dialect.name
        """``sqlite`` or ``postgresql``."""

    @property
    def is_lost(self) -> bool:
        """Whether the server, or the way to it, has gone."""
        return self.kind != "sqlite" and (self.connection.closed or self.connection.broken)

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
            raise self._as_sqlalchemy_says(statement, error) from error
        return cursor

    def _as_sqlalchemy_says(self, statement: str, error: Any) -> BaseException:
        base: Any = self.dialect.loaded_dbapi.Error
        found: BaseException = DBAPIError.instance(
            statement, None, error, base, hide_parameters=True, dialect=self.dialect
        )
        return found
