"""SQL functions that answer the same on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from app.store.types import LongText


class comparison_key(GenericFunction[str]):
    """``app.store.types.comparison_key`` in SQL. SQLite calls that very function."""

    type = LongText
    inherit_cache = True


@compiles(comparison_key, "postgresql")
def _key_in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    text = compiler.process(element.clauses, **kwargs)
    lower = f'lower(normalize(({text})::text, NFC) COLLATE "und-x-icu")'
    return f'(normalize({lower}, NFC) COLLATE "C")'


class position_of(GenericFunction[int]):
    """Where a text first holds another one, from 1; 0 when it does not."""

    inherit_cache = True


@compiles(position_of, "sqlite")
def _position_in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kwargs)})"


@compiles(position_of, "postgresql")
def _position_in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kwargs)})"
