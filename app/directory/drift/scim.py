"""SCIM resources as a provider exports them (RFC 7643), read one after the other.

Who is in which group stands in groups, whose members are ids, and may come before the people do. So
both go to a temporary database on disk first: memory does not grow with the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson

from app.directory.drift.documents import resources
from app.directory.drift.lines import read, written
from app.directory.errors import Invalid
from app.directory.imports import persons
from app.directory.imports.persons import COLUMNS, PATHS, Person
from app.directory.imports.refusals import Problem, Refused
from app.store.types import storable
from app.words import say

AT_ONCE = 1_000
_TABLES = """
CREATE TABLE people (number INTEGER PRIMARY KEY, id TEXT, line BLOB NOT NULL);
CREATE TABLE members (id TEXT NOT NULL, name TEXT NOT NULL);
"""
_JOINED = """
SELECT line, (SELECT json_group_array(name) FROM members WHERE members.id = people.id)
FROM people ORDER BY number
"""


@dataclass(frozen=True)
class Found:
    """The people of an export, and their groups."""

    store: sqlite3.Connection
    with_groups: bool

    def people(self) -> Iterator[Person | Problem]:
        """Return them in the order of the export, each with the names of their groups."""
        for line, names in self.store.execute(_JOINED):
            each = read(line)
            if isinstance(each, Person) and self.with_groups:
                try:
                    each = replace(each, groups=persons.groups_named(orjson.loads(names)))
                except Refused as error:
                    each = Problem(each.line, error.column, each.login, error.reason)
            yield each


def people_in(chunks: Iterable[bytes]) -> Found:
    """Read a whole export: ListResponses (RFC 7644 §3.4.2), an array, or resources by themselves.

    :raises Invalid: When it is no JSON, or holds what is no resource, or one page of several.
    """
    store = sqlite3.connect("")  # on disk, and gone when it is closed
    store.executescript(_TABLES)
    with_groups = False
    each = enumerate(resources(chunks), start=1)
    while some := list(islice(each, AT_ONCE)):
        for number, resource in some:
            with_groups |= _take(store, number, resource)
    store.execute("CREATE INDEX members_id ON members (id)")
    return Found(store, with_groups)


def _take(store: sqlite3.Connection, number: int, resource: Any) -> bool:
    """Note a user or a group; return whether it says who is in which group."""
    if not isinstance(resource, dict):
        raise Invalid(say("Resource %(number)s is no object.", number=number), field="file")
    if "userName" in resource:
        id_ = resource.get("id")
        row = (number, id_ if _is_text(id_) else None, written(_person(number, resource)))
        store.execute("INSERT INTO people VALUES (?, ?, ?)", row)
        names = [each.get("display") for each in _objects(resource.get("groups"))]
        pairs = [(row[1], name) for name in names if row[1] and _is_text(name)]
        store.executemany("INSERT INTO members VALUES (?, ?)", pairs)
        return bool(pairs)
    name = resource.get("displayName")
    if not _is_text(name):
        sentence = say("Resource %(number)s is neither a user nor a group.", number=number)
        raise Invalid(sentence, field="file")
    ids = (each.get("value") for each in _objects(resource.get("members")))
    pairs = [(each, name) for each in ids if _is_text(each)]
    store.executemany("INSERT INTO members VALUES (?, ?)", pairs)
    return True


def _person(number: int, resource: dict[str, Any]) -> Person | Problem:
    emails = _emails(resource)
    said = {column: _text_at(resource, path) for column, path in _paths().items()}
    said["email"] = emails[0] if emails else ""
    try:
        person = persons.read(number, list(said.values()), list(said))
        if not said["userName"]:
            raise Refused("userName", say("It is empty."))
        if not storable("".join(emails)):
            raise Refused("email", say("It holds a character that is not allowed."))
    except Refused as error:
        name = said["userName"] if storable(said["userName"]) else ""
        return Problem(number, error.column, name, error.reason)
    return replace(person, emails=tuple(emails) or None)


def _paths() -> dict[str, tuple[str, ...]]:
    """Return where the columns of a table are in a resource."""
    return {each: PATHS.get(each, (each,)) for each in COLUMNS if each not in ("email", "groups")}


def _text_at(resource: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = resource
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _emails(resource: dict[str, Any]) -> list[str]:
    """Return the addresses, the primary one first."""
    entries = sorted(_objects(resource.get("emails")), key=lambda each: not each.get("primary"))
    values = (each.get("value") for each in entries)
    return [each for each in values if isinstance(each, str) and each]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and storable(value)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
