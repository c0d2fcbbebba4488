"""SQL functions that answer the same on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, FromClause, Numeric
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


class joined_texts(GenericFunction[str]):
    """The texts of all rows as one, with commas between them; NULL when there is no row."""

    type = LongText
    inherit_cache = True


@compiles(joined_texts, "sqlite")
def _joined_in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kwargs)}, ',')"


@compiles(joined_texts, "postgresql")
def _joined_in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kwargs)}, ',')"


class json_list(GenericFunction[Any]):
    """Values as one JSON list."""

    type = JSON()
    inherit_cache = True


class json_lists(GenericFunction[Any]):
    """The JSON of all rows as one list, in no particular order; NULL or empty without rows."""

    type = JSON()
    inherit_cache = True


class json_part(GenericFunction[Any]):
    """A JSON document within another one."""

    type = JSON()
    inherit_cache = True


for _function, _in_sqlite, _in_postgresql in (
    (json_list, "json_array", "json_build_array"),
    (json_lists, "json_group_array", "json_agg"),
    (json_part, "json", ""),
):
    for _dialect, _name in (("sqlite", _in_sqlite), ("postgresql", _in_postgresql)):

        @compiles(_function, _dialect)
        def _call(element: Any, compiler: Any, _name: str = _name, **kwargs: Any) -> str:
            return f"{_name}({compiler.process(element.clauses, **kwargs)})"


class position_of(GenericFunction[int]):
    """Where a text first holds another one, from 1; 0 when it does not."""

    inherit_cache = True


@compiles(position_of, "sqlite")
def _position_in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kwargs)})"


@compiles(position_of, "postgresql")
def _position_in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kwargs)})"


class _JsonPath(GenericFunction[Any]):
    """A value deep in a JSON document: the document, then the names that lead to it.

    NULL where there is none, or none of the wanted type: no stored value can break a query.
    """

    inherit_cache = True


class json_text(_JsonPath):
    """A text in a JSON document."""

    type = LongText
    inherit_cache = True


class json_number(_JsonPath):
    """A number in a JSON document."""

    type = Numeric(asdecimal=False)
    inherit_cache = True


class json_boolean(_JsonPath):
    """A boolean in a JSON document."""

    type = Boolean()
    inherit_cache = True


class json_found(_JsonPath):
    """Whether there is anything but null at a place of a JSON document."""

    type = Boolean()
    inherit_cache = True


class json_items(_JsonPath):
    """The items of a list in a JSON document, as a table: see :func:`items_in`."""

    inherit_cache = True


class json_item(GenericFunction[Any]):
    """One item of a list, as a document: of the list's document, and a row of its items."""

    type = JSON()
    inherit_cache = True


def items_in(document: ColumnElement[Any], *names: str) -> tuple[FromClause, ColumnElement[Any]]:
    """Return the items of a list in a JSON document, as a table, and the item of a row.

    There are none where the list is missing, or no list.
    """
    rows = json_items(document, *names).table_valued("value", "fullkey")
    return rows, json_item(document, rows.c.value, rows.c.fullkey)


def _sqlite_parts(element: Any, compiler: Any, kwargs: Any) -> tuple[str, str]:
    document, *names = (compiler.process(each, **kwargs) for each in element.clauses)
    path = " || ".join(["'$'", *(f"""'."' || {name} || '"'""" for name in names)])
    return document, f"({path})"


def _postgresql_parts(element: Any, compiler: Any, kwargs: Any) -> tuple[str, str]:
    document, *names = (compiler.process(each, **kwargs) for each in element.clauses)
    there = ", ".join([f"({document})::jsonb", *names])
    return (f"jsonb_extract_path({there})" if names else f"({document})::jsonb"), there


def _compile_json(function: Any, in_sqlite: str, in_postgresql: str) -> None:
    @compiles(function, "sqlite")
    def sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
        document, path = _sqlite_parts(element, compiler, kwargs)
        return in_sqlite.format(doc=document, path=path)

    @compiles(function, "postgresql")
    def postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
        item, _ = _postgresql_parts(element, compiler, kwargs)
        return in_postgresql.format(item=item)


_compile_json(
    json_text,
    "CASE json_type({doc}, {path}) WHEN 'text' THEN json_extract({doc}, {path}) END",
    "CASE jsonb_typeof({item}) WHEN 'string' THEN ({item}) #>> '{{}}' END",
)
_compile_json(
    json_number,
    "CASE WHEN json_type({doc}, {path}) IN ('integer', 'real')"
    " THEN json_extract({doc}, {path}) END",
    "CASE jsonb_typeof({item}) WHEN 'number' THEN (({item}) #>> '{{}}')::numeric END",
)
_compile_json(
    json_boolean,
    "CASE json_type({doc}, {path}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
    "CASE jsonb_typeof({item}) WHEN 'boolean' THEN (({item}) #>> '{{}}')::boolean END",
)
_compile_json(
    json_found,
    "coalesce(json_type({doc}, {path}), 'null') <> 'null'",
    "coalesce(jsonb_typeof({item}), 'null') <> 'null'",
)
_compile_json(
    json_items,
    "json_each(CASE json_type({doc}, {path}) WHEN 'array' THEN {doc} END, {path})",
    "jsonb_array_elements(CASE jsonb_typeof({item}) WHEN 'array' THEN {item} ELSE '[]' END)",
)


@compiles(json_item, "sqlite")
def _item_in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    document, _, key = (compiler.process(each, **kwargs) for each in element.clauses)
    return f"({document} -> {key})"


@compiles(json_item, "postgresql")
def _item_in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    _, value, _ = (compiler.process(each, **kwargs) for each in element.clauses)
    return f"({value})"
