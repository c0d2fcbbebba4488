"""The file of a report as it is kept: one line for each person it names, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.directory.errors import Invalid
from app.directory.imports import files
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Problem
from app.directory.imports.table import GROUPS_LIMIT, ROWS_LIMIT
from app.words import say

LIMIT = 4 * files.SIZE_LIMIT
"""Most bytes that the people of a file take as they are kept."""
PERSON_LIMIT = 16_384
"""Most bytes of one of them."""
AT_ONCE_LIMIT = 2_000_000
"""About so many bytes of them are in memory at once, some times each."""


def written(each: Person | Problem) -> bytes:
    """Return the line of a person, or of one who cannot be meant."""
    return orjson.dumps(each) + b"\n"


def too_large(each: Person) -> Problem:
    """Return why a person whose line takes more than ``PERSON_LIMIT`` is not kept."""
    reason = say(
        "With all its groups and addresses it takes more than %(limit)s KB.",
        limit=PERSON_LIMIT // 1024,
    )
    return Problem(each.line, None, each.login, reason)


def some_of(lines: Iterator[bytes], most: int) -> list[bytes]:
    """Return the next lines: at most so many, and not many bytes of them."""
    found: list[bytes] = []
    size = 0
    for each in lines:
        found.append(each)
        size += len(each)
        if len(found) >= most or size >= AT_ONCE_LIMIT:
            break
    return found


def read(line: bytes) -> Person | Problem:
    """Return what :func:`written` has written."""
    said = orjson.loads(line)
    return person_of(said) if "login" in said else Problem(**said)


def person_of(said: dict[str, Any]) -> Person:
    """Return a person kept as JSON."""
    emails = said["emails"]
    return Person(**said | {"emails": None if emails is None else tuple(emails)})


def as_json(person: Person) -> dict[str, Any]:
    """Return a person to be kept as JSON."""
    said: dict[str, Any] = orjson.loads(orjson.dumps(person))
    return said


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines of a file, each with its end."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"


def check(people: int, groups: int = 0, size: int = 0) -> None:
    """Refuse a file of too many people or groups, or whose lines take too many bytes.

    :raises Invalid: When it is one.
    """
    if people > ROWS_LIMIT:
        sentence = say("The file has more than %(limit)s people.", limit=ROWS_LIMIT)
    elif groups > GROUPS_LIMIT:
        sentence = say("The file names more than %(limit)s groups.", limit=GROUPS_LIMIT)
    elif size > LIMIT:
        sentence = say(
            "The people of the file take more than %(limit)s MB with the names of their groups.",
            limit=LIMIT // 1024 // 1024,
        )
    else:
        return
    raise Invalid(sentence, field="file")
