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
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Dialect, Executable, any_, bindparam, func, select
from sqlalchemy.types import TypeEngine

from app.store import driver
from app.store.database import db
from app.store.types import Texts

Process = Callable[[Any], Any]


class Prepared:
    """One statement. It is run within the transaction there is, or on its own."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self.build = build
        self.__doc__ = build.__doc__
        self._compiled: dict[str, _Compiled] = {}

    def all(self, **values: Any) -> list[Any]:
        """Return the rows, with the columns as attributes."""
        compiled = self._for_database()
        return compiled.rows(driver.query(compiled.text, compiled.parameters(values)))

    def first(self, **values: Any) -> Any:
        """Return the first row; None when there is none."""
        return next(iter(self.all(**values)), None)

    def scalar(self, **values: Any) -> Any:
        """Return the first column of the first row; None when there is none."""
        row = self.first(**values)
        return None if row is None else row[0]

    def run(self, **values: Any) -> int:
        """Run a statement that writes, and return how many rows it met.

        :raises sqlalchemy.exc.IntegrityError: When it breaks a constraint.
        """
        compiled = self._for_database()
        return driver.write(compiled.text, compiled.parameters(values))

    def _for_database(self) -> _Compiled:
        dialect = db.engine.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self.build(), dialect)
        return found


def prepared(build: Callable[[], Any]) -> Prepared:
    """Make a statement of the function that builds it, when it is run first.

    What it takes are its bind parameters; each needs the type of its column.
    """
    return Prepared(build)


def one_of(column: Any, name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of many texts, given with each run as a list.

    It is one parameter, so that the statement is the same for every number of them.
    """
    texts = bindparam(name, type_=Texts())
    if db.engine.dialect.name == "postgresql":
        of_all: ColumnElement[bool] = column == any_(texts)
        return of_all
    each = func.json_each(texts).table_valued("value")
    of_list: ColumnElement[bool] = column.in_(select(each.c.value))
    return of_list


class _Compiled:
    """A statement as one kind of database takes it."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text:
            raise ValueError(f"a parameter of this is not in its place yet: {self.text}")
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        order = compiled.positiontup
        self._by_place = order is not None
        self._parameters = [_Parameter(each, binds[each], dialect) for each in order or binds]
        self._row, self._processes = _row_of(statement, dialect)

    def parameters(self, values: dict[str, Any]) -> driver.Parameters:
        if self._by_place:
            return [each.value(values) for each in self._parameters]
        return {each.name: each.value(values) for each in self._parameters}

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


class _Parameter:
    """One parameter: given with each run by its name, or a value of the statement itself."""

    def __init__(self, name: str, bind: Any, dialect: Dialect) -> None:
        self.name, self._key = name, bind.key
        self._given, self._make = bind.required, bind.callable
        self._process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        self._own = None if bind.required or bind.callable else self._stored(bind.value)

    def value(self, values: dict[str, Any]) -> Any:
        if self._given:
            return self._stored(values[self._key])
        return self._stored(self._make()) if self._make else self._own

    def _stored(self, value: Any) -> Any:
        return value if self._process is None else self._process(value)


def _row_of(statement: Any, dialect: Dialect) -> tuple[Process, list[tuple[int, Process]]]:
    """Return what makes a row of a tuple, and what makes values of the columns that need it."""
    columns = getattr(statement, "exported_columns", ())
    row = namedtuple("Row", [each.key for each in columns])  # type: ignore[misc]
    processes: list[tuple[int, Process]] = []
    for place, column in enumerate(columns):
        type_: TypeEngine[Any] = column.type
        process = type_.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:
            processes.append((place, process))
    return cast(Process, row._make), processes
