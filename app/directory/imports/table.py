"""Reading a CSV file of people row by row: whatever its size, a few rows are in memory.

UTF-8, with or without a byte order mark; commas, semicolons or tabs; any line ends.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.directory.errors import Invalid
from app.directory.imports import persons
from app.directory.imports.persons import Person, column_named, groups_in
from app.directory.imports.refusals import Problem, Refused
from app.store.types import storable
from app.words import Said, say

DELIMITERS = (",", ";", "\t")
ROWS_LIMIT = 500_000
GROUPS_LIMIT = 20_000
"""Most different groups one file may name."""
LINE_LIMIT = 131_072
"""Longest line, in bytes."""
ROW_LIMIT = 8 * LINE_LIMIT
"""Longest row, in bytes: quoted cells may go on over many lines."""
COLUMNS_LIMIT = 100
BOM = b"\xef\xbb\xbf"
SHOWN = 100
"""How much of a column's name is repeated, in characters."""


@dataclass(frozen=True)
class Form:
    """How a file is written."""

    delimiter: str
    columns: tuple[str | None, ...]
    """What each column is, of ``persons.COLUMNS``; None: it is not read."""
    ignored: tuple[str, ...]
    """The names of the columns that are not read."""
    begins: int
    """Where the first row after the head begins, in bytes."""
    line: int
    """How many lines lie before it."""

    @property
    def has_groups(self) -> bool:
        return "groups" in self.columns

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"columns": list(self.columns), "ignored": list(self.ignored)}

    @classmethod
    def read(cls, content: dict[str, Any]) -> Form:
        lists = {name: tuple(content[name]) for name in ("columns", "ignored")}
        return cls(**content | lists)


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    line: int
    cells: list[str]
    end: int
    """Where the next one begins, in bytes."""
    lines: int
    """How many lines end before that."""
    problem: Said | None = None
    """Why it cannot be read."""


@dataclass
class Survey:
    """What a file is about, as told by reading it once."""

    form: Form
    rows: int = 0
    groups: dict[str, str] = field(default_factory=dict)
    """The groups it names: by name for comparison, as it is written first."""


def survey(chunks: Iterable[bytes]) -> Survey:
    """Read a whole file once.

    :raises Invalid: When it is no table of people, or too large.
    """
    lines = _lines(chunks)
    found = Survey(_form(lines))
    form = found.form
    place = form.columns.index("groups") if form.has_groups else None
    for row in _rows(lines, form, form.begins, form.line):
        found.rows += 1
        if found.rows > ROWS_LIMIT:
            sentence = say("The file has more than %(limit)s rows. Split it.", limit=ROWS_LIMIT)
            raise Invalid(sentence, field="file")
        if place is not None and row.problem is None and len(row.cells) > place:
            _note_groups(found, row.cells[place])
    if not found.rows:
        raise Invalid(say("Below its first line the file is empty."), field="file")
    return found


def rows_from(chunks: Iterable[bytes], form: Form, begin: int, line: int) -> Iterator[Row]:
    """Return the rows of a file from a place on.

    :param chunks: The file from there on.
    :param begin: The place, in bytes.
    :param line: How many lines lie before it.
    """
    return _rows(_lines(chunks), form, begin, line)


def person_in(row: Row, columns: Sequence[str | None]) -> Person | Problem:
    """Return what a row says of a person, or why it cannot be meant.

    :param columns: What each column is; None: it is not read.
    """
    try:
        if row.problem:
            raise Refused(None, row.problem)
        return persons.read(row.line, row.cells, columns)
    except Refused as error:
        said = dict(zip(columns, row.cells, strict=False))
        name = said.get("userName") or said.get("email") or ""
        told = name.strip() if storable(name) else ""  # who it is about, as far as it says
        return Problem(row.line, error.column, told, error.reason)


def _note_groups(found: Survey, cell: str) -> None:
    try:
        names = groups_in(cell)
    except Refused:  # The row says so in its turn.
        return
    for key, name in names.items():
        found.groups.setdefault(key, name)
    if len(found.groups) > GROUPS_LIMIT:
        sentence = say("The file names more than %(limit)s groups.", limit=GROUPS_LIMIT)
        raise Invalid(sentence, field="file")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines of a file, each with its end."""
    rest = b""
    for chunk in chunks:
        whole = (rest + chunk).splitlines(keepends=True)
        # The last one may go on in the next chunk; and CR LF may be cut in two.
        rest = whole.pop() if whole else b""
        yield from whole
        if len(rest) > LINE_LIMIT:
            break
    yield from rest.splitlines(keepends=True)


def _text(raw: bytes, line: int) -> str:
    if len(raw) > LINE_LIMIT:
        sentence = say("Line %(line)s is longer than %(limit)s bytes.", line=line, limit=LINE_LIMIT)
        raise Invalid(sentence, field="file")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        sentence = say(
            'Line %(line)s is not UTF-8. In a spreadsheet, save the file as "CSV UTF-8".', line=line
        )
        raise Invalid(sentence, field="file") from None


def _form(lines: Iterator[bytes]) -> Form:
    """Read the head: the first line that is not empty."""
    begins = line = 0
    for raw in lines:
        text = _text(raw.removeprefix(BOM) if not line else raw, line + 1).strip("\r\n")
        begins, line = begins + len(raw), line + 1
        if text.strip():
            break
    else:
        raise Invalid(say("The file is empty."), field="file")
    heads = [(_head(text, delimiter), delimiter) for delimiter in DELIMITERS]
    if not storable(text):
        sentence = say("%(field)s holds a character that is not allowed.", field="file")
        raise Invalid(sentence, field="file")
    names, delimiter = max(heads, key=lambda head: sum(map(bool, map(column_named, head[0]))))
    columns = tuple(map(column_named, names))
    ignored = tuple(name[:SHOWN] for name in names if name and column_named(name) is None)
    _check(names, columns)
    return Form(delimiter, columns, ignored, begins, line)


def _head(text: str, delimiter: str) -> list[str]:
    try:
        (names,) = csv.reader([text], delimiter=delimiter)
    except (csv.Error, ValueError):
        return []
    return [name.strip() for name in names]


def _check(names: list[str], columns: tuple[str | None, ...]) -> None:
    if "userName" not in columns and "email" not in columns:
        sentence = say(
            "The first line names no column userName or email. It should look like: "
            "userName,displayName,email,groups"
        )
        raise Invalid(sentence, field="file")
    if len(columns) > COLUMNS_LIMIT:
        sentence = say("The file has more than %(limit)s columns.", limit=COLUMNS_LIMIT)
        raise Invalid(sentence, field="file")
    for column in filter(None, columns):
        said = [name[:SHOWN] for name, each in zip(names, columns, strict=True) if each == column]
        if len(said) > 1:
            sentence = say("Several columns are %(column)s: %(names)s.", column=column, names=said)
            raise Invalid(sentence, field="file")


def _rows(lines: Iterator[bytes], form: Form, begin: int, line: int) -> Iterator[Row]:
    end, count = begun, first = begin, line

    def texts() -> Iterator[str]:
        nonlocal end, count
        for raw in lines:
            count += 1
            end += len(raw)
            if end - begun > ROW_LIMIT:
                sentence = say(
                    "Line %(line)s is longer than %(limit)s bytes.", line=first, limit=ROW_LIMIT
                )
                raise Invalid(sentence, field="file")
            yield _text(raw, count)

    reader = csv.reader(texts(), delimiter=form.delimiter)
    while True:
        first, begun = count + 1, end
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(first, [], end, count, say("It cannot be read: %(why)s.", why=str(error)))
            continue
        if not any(cells):
            continue
        if len(cells) > len(form.columns):
            # Only the cells that have a column are kept: hundreds of rows are in memory at once.
            yield Row(first, cells[: len(form.columns)], end, count, _too_many(cells, form))
        else:
            yield Row(first, cells, end, count)


def _too_many(cells: list[str], form: Form) -> Said:
    return say(
        "It has %(cells)s cells, and the first line %(columns)s.",
        cells=len(cells),
        columns=len(form.columns),
    )
