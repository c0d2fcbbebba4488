"""PostgreSQL's COPY, in its text form."""

from __future__ import annotations

from typing import Any

import orjson
import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

SENT_AT_ONCE = 500
"""How many rows PostgreSQL is sent at a time."""


def copy(connection: Connection, into: str, columns: list[list[Any]], count: int) -> None:
    """Insert rows, all of them or none.

    :param into: The table, with the names of the columns in brackets.
    :param columns: The values of each column as the driver takes them, ``count`` each.
    :raises IntegrityError: When a row breaks a constraint.
    """
    statement = f"COPY {into} FROM STDIN"
    try:
        raw: psycopg.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
        with raw.cursor() as cursor, cursor.copy(statement) as copied:
            # Some at a time: the server works on them while the next are put together.
            for begin in range(0, count, SENT_AT_ONCE):
                some = [_copied(column[begin : begin + SENT_AT_ONCE]) for column in columns]
                copied.write("\n".join(map("\t".join, zip(*some, strict=True))) + "\n")
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error


_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def _copied(values: list[Any]) -> list[str]:
    """Return values of a column as the text form of COPY has them.

    It takes a third of what the driver takes, which goes row by row.
    """
    if set(map(type, values)) == {str} and _is_plain("".join(values)):
        return values
    found = []
    last: Any = None
    text = _copy_text(None)
    for value in values:
        if value is not last:  # Many columns say the same in every row.
            last, text = value, _copy_text(value)
        found.append(text)
    return found


def _copy_text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, psycopg.Binary):
        return rf"\\x{bytes(value.obj).hex()}"
    if isinstance(value, Jsonb):
        value = orjson.dumps(value.obj).decode()  # as the engine does
    text = value if isinstance(value, str) else str(value)
    return text if _is_plain(text) else text.translate(_ESCAPES)


def _is_plain(text: str) -> bool:
    return text.isprintable() and "\\" not in text
