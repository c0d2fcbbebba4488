"""Taking in what a provider exports: a table as CSV, or SCIM resources as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO

from app.directory.drift import lines, scim
from app.directory.errors import Invalid
from app.directory.imports import files
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Problem
from app.directory.imports.table import (
    BOM,
    Form,
    person_in,
    rows_from,
    survey,
)
from app.store.temporary import room
from app.words import say


@dataclass(frozen=True)
class Export:
    """What a provider exports, as far as it was looked through."""

    name: str
    lines: IO[bytes]
    """One for each person (see ``lines``); gone when it is closed."""
    people: int
    with_groups: bool
    """Whether it says who is in which group."""
    ignored: tuple[str, ...]
    """The names of the columns that are not read."""
    digest: str
    """SHA-256 of what it says, hexadecimal."""


def look_through(name: str, stream: IO[bytes]) -> Export:
    """Read a whole file. It takes seconds for a large one, so it is done before any write.

    :raises Invalid: When it is neither a table of people nor SCIM resources, or too large, or one
        page of several.
    :raises NoRoom: When it finds no room where temporary files are.
    """
    with room():
        stream.seek(0)
        if _is_json(stream.read(1024)):
            with scim.people_in(files.chunks_of(stream)) as found:
                return _kept(name, found.people(), found.with_groups, ())
        form = survey(files.chunks_of(stream)).form
        return _kept(name, _people_of_table(stream, form), form.has_groups, form.ignored)


def _is_json(begins: bytes) -> bool:
    return begins.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")


def _people_of_table(stream: IO[bytes], form: Form) -> Iterator[Person | Problem]:
    chunks = _without(form.begins, files.chunks_of(stream))
    for row in rows_from(chunks, form, form.begins, form.line):
        yield person_in(row, form.columns)


def _without(begins: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Return a file from a place on, which lies in its first chunk."""
    for chunk in chunks:
        yield chunk[begins:]
        begins = 0


def _kept(
    name: str, people: Iterable[Person | Problem], with_groups: bool, ignored: tuple[str, ...]
) -> Export:
    hashed, count, size = sha256(), 0, 0
    groups: set[str] = set()
    with ExitStack() as stack:
        kept = stack.enter_context(TemporaryFile())
        for each in people:
            line = lines.written(each)
            count, size = count + 1, size + len(line)
            if isinstance(each, Person):
                groups.update(each.groups or ())
                if len(line) > lines.PERSON_LIMIT:
                    line = lines.written(lines.too_large(each))
            lines.check(count, len(groups), size)
            hashed.update(line)
            kept.write(line)
        if not count:
            raise Invalid(say("The file names nobody."), field="file")
        kept.flush()
        stack.pop_all()  # Who gets it closes it.
    return Export(name, kept, count, with_groups, ignored, hashed.hexdigest())
