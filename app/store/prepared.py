"""Statements that are built and compiled once, and then only run.

::

    @prepared
    def named() -> Select:
        \"\"\"Return the users with a name.\"\"\"
        return select(User.id, User.user_name).where(User.user_name_key == bindparam("key"))

    named.all(key="ada@example.com")
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    Executable,
    String,
    any_,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

from app.store.database import db
from app.store.driver import Driver, Parameters
from app.store.reading import here, rows_of
from app.store.types import Id, Text, Texts, UtcDateTime, as_stored, utc_of_text

Process = Callable[[Any], Any]


class Prepared:
    """One statement. It is run within the transaction there is, or on its own."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        self._compiled: dict[str, Compiled] = {}

    def all(self, **values: Any) -> list[Any]:
        """Return the rows, with the columns as attributes."""
        driver = here()
        compiled = self.compiled_for(driver)
        found = rows_of(driver, compiled.text, compiled.parameters(values))
        return compiled.rows(found)

    def first(self, **values: Any) -> Any:
        """Return the first row; None when there is none."""
        rows = self.all(**values)
        return rows[0] if rows else None

    def scalar(self, **values: Any) -> Any:
        """Return the first column of the first row; None when there is none."""
        row = self.first(**values)
        return None if row is None else row[0]

    def run(self, **values: Any) -> int:
        """Run a statement that writes, and return how many rows it met.

        :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
        """
        driver = here()
        compiled = self.compiled_for(driver)
        return driver.write(compiled.text, compiled.parameters(values))

    def run_each(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement that writes once for each of many values.

        :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
        """
        driver = here()
        compiled = self.compiled_for(driver)
        if len(many) == 1:
            driver.write(compiled.text, compiled.parameters(many[0]))
        elif many:
            driver.write_many(compiled.text, [compiled.parameters(each) for each in many])

    def compiled_for(self, driver: Driver) -> Compiled:
        """Return the statement as a kind of database takes it."""
        found = self._compiled.get(driver.kind)
        if found is None:
            found = self._compiled[driver.kind] = Compiled(self.build(), driver.dialect)
        return found


class ByIds:
    """A statement about the rows of some ids of an account: one for a single id, one for many.

    It takes ``account_id``, and what else it names.

    :param build: Takes a function that returns the condition that a column is one of the ids.
    """

    def __init__(self, build: Callable[[Callable[[Any], Any]], Any]) -> None:
        self.__doc__ = build.__doc__
        self.build = build
        self.one = Prepared(lambda: build(lambda column: column == bindparam("id", type_=Id)))
        self.many = Prepared(lambda: build(lambda column: one_of(column, "ids")))

    def rows(self, account_id: str, ids: Sequence[str], **more: Any) -> list[Any]:
        """Return the rows of these ids, with the columns as attributes."""
        if len(ids) == 1:
            return self.one.all(account_id=account_id, id=ids[0], **more)
        return self.many.all(account_id=account_id, ids=ids, **more)


def prepared(build: Callable[[], Any]) -> Prepared:
    """Make a statement of the function that builds it, when it is run first.

    What it takes are its bind parameters; each needs the type of its column.
    """
    return Prepared(build)


def one_of(of: Any, name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of many texts, given with each run as a list."""
    return among_texts(of, bindparam(name, type_=Texts()))


def among_texts(of: Any, texts: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a column is one of many texts, of the type ``Texts``.

    They are one parameter, so that the statement is the same for every number of them; hundreds,
    as ``in_`` has them, take longer to send than to find.
    """
    if db.engine.dialect.name == "postgresql":
        of_all: ColumnElement[bool] = of == any_(texts)
        return of_all
    of_list: ColumnElement[bool] = of.in_(select(_each_of(texts)))
    return of_list


def each_of(name: str) -> ColumnElement[str]:
    """Return a column of many texts, given with each run as a list, as :func:`one_of` takes it."""
    return _each_of(bindparam(name, type_=Texts()))


def _each_of(texts: ColumnElement[Any]) -> ColumnElement[str]:
    if db.engine.dialect.name == "postgresql":
        return func.unnest(texts, type_=String).column_valued("value")
    value: ColumnElement[str] = func.json_each(texts).table_valued(column("value", String)).c.value
    return value


class Compiled:
    """A statement as one kind of database takes it."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text:
            raise ValueError(f"a parameter of this is not in its place yet: {self.text}")
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        names = compiled.positiontup
        self._names = None if names is not None else list(binds)
        self._fixed: list[Any] = []
        self._given: dict[str, tuple[Process | None, list[int]]] = {}
        self._made: list[tuple[int, Callable[[], Any], Process]] = []
        for place, name in enumerate(names or binds):
            self._place(place, binds[name], dialect)
        self._row, self._processes = _row_of(statement, dialect)

    def _place(self, place: int, bind: Any, dialect: Dialect) -> None:
        """Sort in a parameter: given with each run by its name, made then, or always the same."""
        process = _process_of(bind.type, dialect)
        same = None
        if bind.required:
            self._given.setdefault(bind.key, (process, []))[1].append(place)
        elif bind.callable:
            self._made.append((place, bind.callable, process or _unchanged))
        else:
            same = bind.value if process is None else process(bind.value)
        self._fixed.append(same)

    def parameters(self, values: Mapping[str, Any]) -> Parameters:
        """Return what a run takes, by what it is given."""
        found = self._fixed.copy()
        for key, (process, places) in self._given.items():
            value = values[key] if process is None else process(values[key])
            for place in places:
                found[place] = value
        for place, make, process in self._made:
            found[place] = process(make())
        return found if self._names is None else dict(zip(self._names, found, strict=True))

    def rows(self, found: Sequence[Any]) -> list[Any]:
        make, processes = self._row, self._processes
        if not processes:
            return [make(row) for row in found]
        made = []
        for row in found:
            columns = list(row)
            for place, process in processes:
                if columns[place] is not None:
                    columns[place] = process(columns[place])
            made.append(make(columns))
        return made


def _process_of(type_: TypeEngine[Any], dialect: Dialect) -> Process | None:
    """Return what makes a value one that the driver takes."""
    if isinstance(type_, Text):
        return as_stored  # what the type itself does, by the shorter way
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _read(type_: TypeEngine[Any], dialect: Dialect) -> Process | None:
    """Return what makes a value of one that the driver gives."""
    if dialect.name == "sqlite":  # what the types do, by the shorter way
        if isinstance(type_, UtcDateTime):
            return utc_of_text
        if isinstance(type_, JSON):
            return orjson.loads
    return type_.dialect_impl(dialect).result_processor(dialect, None)


def _unchanged(value: Any) -> Any:
    return value


def _row_of(statement: Any, dialect: Dialect) -> tuple[Process, list[tuple[int, Process]]]:
    """Return what makes a row of a tuple, and what makes values of the columns that need it."""
    columns = getattr(statement, "exported_columns", ())
    row = namedtuple("Row", [each.key for each in columns])  # type: ignore[misc]
    processes: list[tuple[int, Process]] = []
    for place, each in enumerate(columns):
        process = _read(each.type, dialect)
        if process is not None:
            processes.append((place, process))
    return cast(Process, row._make), processes
