"""SCIM resources as a provider exports them (RFC 7643), read one after the other.

Who is in which group stands in groups, whose members are ids, and may come before the people do. So
both go to a temporary database on disk first: memory does not grow with the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, TypeGuard

import orjson

from app.directory import bounds
from app.directory.drift.documents import resources
from app.directory.drift.lines import check, read, written
from app.directory.errors import Invalid
from app.directory.imports import files, persons
from app.directory.imports.persons import COLUMNS, PATHS, Person
from app.directory.imports.refusals import NAME_SHOWN, Problem, Refused
from app.directory.profiles import VALUES_LIMIT
from app.store.types import storable
from app.words import say

STORE_LIMIT = 4 * files.SIZE_LIMIT
"""How many bytes the temporary database may take."""
ID_LIMIT = bounds.TEXT_LENGTH
"""Longest id of a resource, in characters."""
_PAGE = 4096
_AT_ONCE = 100
"""So many members are noted before the size is looked at again."""
_TABLES = f"""
PRAGMA page_size = {_PAGE};
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -16384;
CREATE TABLE people (number INTEGER PRIMARY KEY, id TEXT, line BLOB NOT NULL);
CREATE TABLE groups (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE members (id TEXT, of_group INTEGER, PRIMARY KEY (id, of_group)) WITHOUT ROWID;
"""
_JOINED = """
SELECT line, (
    SELECT json_group_object(key, name) FROM (
        SELECT key, name FROM members JOIN groups ON groups.number = of_group
        WHERE members.id = people.id ORDER BY of_group LIMIT ?
    )
)
FROM people ORDER BY number
"""


@dataclass(frozen=True)
class Found:
    """The people of an export, and their groups."""

    store: sqlite3.Connection
    with_groups: bool

    def people(self) -> Iterator[Person | Problem]:
        """Return them in the order of the export, each with the names of their groups."""
        for line, names in self.store.execute(_JOINED, (persons.GROUPS_LIMIT + 1,)):
            each = read(line)
            if isinstance(each, Person) and self.with_groups:
                try:
                    groups = persons.few_groups(orjson.loads(names) | (each.groups or {}))
                    each = replace(each, groups=groups)
                except Refused as error:
                    each = Problem(each.line, error.column, each.login, error.reason)
            yield each


@contextmanager
def people_in(chunks: Iterable[bytes]) -> Iterator[Found]:
    """Read a whole export: ListResponses (RFC 7644 §3.4.2), an array, or resources by themselves.

    :raises Invalid: When it is no JSON, or holds what is no resource, or one page of several, or
        too much.
    :raises sqlite3.OperationalError: When there is no room for it.
    """
    with closing(sqlite3.connect("")) as store:  # on disk, and gone when it is closed
        store.executescript(_TABLES)
        yield Found(store, _take_all(store, chunks))


def _take_all(store: sqlite3.Connection, chunks: Iterable[bytes]) -> bool:
    """Note all users and groups; return whether any says who is in which group."""
    with_groups, people, groups = False, 0, 0
    for number, resource in enumerate(resources(chunks), start=1):
        if not isinstance(resource, dict):
            raise Invalid(say("Resource %(number)s is no object.", number=number), field="file")
        try:
            if "userName" in resource:
                with_groups |= _take_user(store, number, resource)
                people += 1
            else:
                groups += _take_group(store, number, resource)
                with_groups = True
            check(people, groups)
            _check_size(store)
        except Refused as error:
            sentence = say("Resource %(number)s: %(why)s", number=number, why=error.reason)
            raise Invalid(sentence, field="file") from error
    return with_groups


def _check_size(store: sqlite3.Connection) -> None:
    """Refuse an export of which too much is to be kept.

    Not by ``max_page_count``: SQLite says the same of it as of a disk that is full.
    """
    (pages,) = store.execute("PRAGMA page_count").fetchone()
    if pages * _PAGE > STORE_LIMIT:
        sentence = say(
            "The people of the file and the members of its groups take more than %(limit)s MB.",
            limit=STORE_LIMIT // 1024 // 1024,
        )
        raise Invalid(sentence, field="file")


def _take_user(store: sqlite3.Connection, number: int, resource: dict[str, Any]) -> bool:
    """Note a user; return whether it says which groups they are in."""
    person = _person(number, resource)
    id_ = next(iter(_ids([resource.get("id")])), None)
    store.execute("INSERT INTO people VALUES (?, ?, ?)", (number, id_, written(person)))
    return isinstance(person, Person) and bool(person.groups)


def _take_group(store: sqlite3.Connection, number: int, resource: dict[str, Any]) -> int:
    """Note a group and who is in it; return how many groups that is which were not known."""
    name = resource.get("displayName")
    if not _is_text(name):
        sentence = say("Resource %(number)s is neither a user nor a group.", number=number)
        raise Invalid(sentence, field="file")
    name = name.strip()
    if not name:
        return 0
    key = persons.key_of_group(name, "displayName")
    noted = store.execute("INSERT OR IGNORE INTO groups (key, name) VALUES (?, ?)", (key, name))
    ids = _ids(each.get("value") for each in _objects(resource.get("members")))
    store.executemany(
        "INSERT OR IGNORE INTO members SELECT ?, number FROM groups WHERE key = ?",
        ((each, key) for each in _as_long_as_it_fits(store, ids)),
    )
    return noted.rowcount


def _as_long_as_it_fits(store: sqlite3.Connection, ids: list[str]) -> Iterator[str]:
    for number, each in enumerate(ids):
        if number % _AT_ONCE == 0:
            _check_size(store)
        yield each


def _ids(values: Iterable[Any]) -> list[str]:
    """Return those that are ids.

    :raises Refused: When one is too long.
    """
    ids = [each for each in values if _is_text(each)]
    if max(map(len, ids), default=0) > ID_LIMIT:
        sentence = say(
            "%(field)s must not be longer than %(limit)s characters.", field="id", limit=ID_LIMIT
        )
        raise Refused("id", sentence)
    return ids


def _person(number: int, resource: dict[str, Any]) -> Person | Problem:
    emails = _emails(resource)
    said = {column: _text_at(resource, path) for column, path in _paths().items()}
    said["email"] = emails[0] if emails else ""
    displays = (each.get("display") for each in _objects(resource.get("groups")))
    try:
        person = persons.read(number, list(said.values()), list(said))
        if not said["userName"]:
            raise Refused("userName", say("It is empty."))
        _check(emails)
        groups = persons.groups_named(each for each in displays if _is_text(each))
    except Refused as error:
        name = said["userName"] if storable(said["userName"]) else ""
        return Problem(number, error.column, name[:NAME_SHOWN], error.reason)
    return replace(person, emails=tuple(emails) or None, groups=groups or None)


def _check(emails: list[str]) -> None:
    """Refuse addresses that cannot be kept."""
    persons.check_cells(emails, repeat("email"))
    if len(emails) > VALUES_LIMIT:
        reason = say("A user may have %(limit)s values at the most.", limit=VALUES_LIMIT)
        raise Refused("email", reason)


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


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and storable(value)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
