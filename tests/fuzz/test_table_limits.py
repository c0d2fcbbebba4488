"""Each limit of docs/limits.md on a file of people: what it allows is read, one more refused."""

from __future__ import annotations

import io
from typing import Any

import pytest

from app.directory.errors import Invalid
from app.directory.imports import files, persons, table
from app.directory.imports.refusals import Refused
from app.directory.imports.start import look_through
from tests.fuzz.measures import within

LIMITS: dict[str, tuple[int, Any]] = {
    "columns": (table.COLUMNS_LIMIT, lambda n: "userName" + ",x" * (n - 1) + "\nada"),
    "line": (table.LINE_LIMIT, lambda n: "userName\n" + "x" * (n - 1) + "\n"),
    "rows": (table.ROWS_LIMIT, lambda n: "userName\n" + "a\n" * n),
    "groups": (
        table.GROUPS_LIMIT,
        lambda n: "userName,groups\n" + "".join(f"a,{each}\n" for each in range(n)),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_file_at_the_limit_and_beyond(name):
    limit, text = LIMITS[name]
    with within(10):
        look_through("x.csv", io.BytesIO(text(limit).encode()))
    with within(10), pytest.raises(Invalid):
        look_through("x.csv", io.BytesIO(text(limit + 1).encode()))


def test_the_size_of_a_file():
    def pieces(size: int) -> int:
        return sum(map(len, files.chunks_of(io.BytesIO(bytes(size)))))

    assert pieces(files.SIZE_LIMIT) == files.SIZE_LIMIT
    with pytest.raises(Invalid):
        pieces(files.SIZE_LIMIT + 1)


def test_a_cell_and_the_groups_of_a_row():
    def row(**cells: str) -> Any:
        return persons.read(2, list(cells.values()), tuple(cells))

    longest = "x" * persons.CELL_LIMIT
    assert row(userName="ada", title=longest).texts == {"title": longest}
    with pytest.raises(Refused):
        row(userName="ada", title=longest + "x")
    names = [f"g{each}" for each in range(persons.GROUPS_LIMIT + 1)]
    assert len(row(userName="ada", groups="|".join(names[:-1])).groups) == persons.GROUPS_LIMIT
    with pytest.raises(Refused):
        row(userName="ada", groups="|".join(names))
