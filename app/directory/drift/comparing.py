"""What of some people differs from the store. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.directory import profiles
from app.directory.errors import Invalid
from app.directory.imports.people import COLUMNS, Stored, stored_of
from app.directory.imports.persons import PATHS, Person, profile_of
from app.directory.imports.refusals import Problem, Refused
from app.directory.profiles import Profile
from app.store.bulk import among
from app.store.database import db
from app.store.models import DriftRow
from app.words import say

Changes = dict[str, list[Any]]
"""By field, what is here and what is there: texts, or of e-mail addresses and groups lists of
those that are on one side alone."""


@dataclass(frozen=True)
class Scope:
    """What a report is about."""

    account_id: str
    operation_id: str
    connection_id: str
    groups: Collection[str]
    """The names of the groups the file names, for comparison."""
    with_groups: bool


@dataclass(frozen=True)
class Compared:
    """What a person is to the store."""

    person: Person
    kind: str
    user_id: str | None = None
    changes: Changes = field(default_factory=dict)


def compare(scope: Scope, persons: Sequence[Person]) -> tuple[list[Compared], list[Problem]]:
    """Return what some people are to the store, and of whom it cannot be told.

    :param persons: In the order of the file; those before them are noted already.
    """
    stored = stored_of(scope.account_id, persons, with_groups=scope.with_groups)
    met = _met(scope, persons, [row.id for row in stored.users.rows()])
    found, problems = [], []
    for person in persons:
        try:
            one = _compared(scope, person, stored)
            names = {person.key, one.user_id or ""}
            if not met.isdisjoint(names):
                raise Refused(None, say("The file names this person twice."))
        except Refused as error:
            problems.append(Problem(person.line, error.column, person.login, error.reason))
            continue
        met |= names - {""}
        found.append(one)
    return found, problems


def _met(scope: Scope, persons: Iterable[Person], user_ids: Iterable[str]) -> set[str]:
    """Return whom of these the file has named before: ids of users, and names for comparison."""
    noted = (DriftRow.account_id == scope.account_id) & (
        DriftRow.operation_id == scope.operation_id
    )
    met: set[str] = set()
    for column, wanted in (
        (DriftRow.user_id, set(user_ids)),
        (DriftRow.name_key, {each.key for each in persons}),
    ):
        met.update(db.session.scalars(select(column).where(noted, among(column, wanted))))
    return met


def _compared(scope: Scope, person: Person, stored: Stored) -> Compared:
    """Return what a person is to the store.

    :raises Refused: When it cannot be told.
    """
    row = stored.users.whose(person)
    try:
        if row is None:
            profiles.cleaned(profile_of(person))
            # Who may not come in there either is not missed here.
            return Compared(person, "same" if person.active is False else "missing")
        here = profiles.stored(row, stored.values.get(row.id, ()))
        there = profiles.cleaned(profile_of(person, here))
    except Invalid as error:
        column = COLUMNS.get(error.field or "", error.field)
        raise Refused(column, error.sentence) from error
    changes = _changes(here, there)
    if scope.with_groups:
        changes |= _groups(scope, person, stored.groups.get(row.id, ()))
    return Compared(person, "different" if changes else "same", row.id, changes)


def _changes(here: Profile, there: Profile) -> Changes:
    before, after = _told(here), _told(there)
    changes: Changes = {
        name: [before[name], after[name]] for name in after if before[name] != after[name]
    }
    if here.values != there.values:
        changes["emails"] = _apart(_addresses(here), _addresses(there))
    return changes


def _told(profile: Profile) -> dict[str, Any]:
    """Return what a profile says, by column."""
    return {
        "userName": profile.user_name,
        "externalId": profile.external_id,
        "displayName": profile.display_name,
        "active": bool(profile.active),
    } | {column: _at(profile.attributes, path) for column, path in PATHS.items()}


def _at(attributes: dict[str, Any], path: Sequence[str]) -> Any:
    value: Any = attributes
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _addresses(profile: Profile) -> list[str]:
    return [str(each.get("value") or "") for each in profile.values.get("emails", [])]


def _groups(scope: Scope, person: Person, held: Sequence[Any]) -> Changes:
    """Return which groups differ: those the file names anywhere, and those of the connection."""
    wanted = person.groups or {}
    here = {
        row.display_name_key: row.display_name
        for row in held
        if row.display_name_key in scope.groups or row.connection_id == scope.connection_id
    }
    if here.keys() == wanted.keys():
        return {}
    left = [here[key] for key in sorted(here.keys() - wanted.keys())]
    return {"groups": [left, [wanted[key] for key in sorted(wanted.keys() - here.keys())]]}


def _apart(here: list[str], there: list[str]) -> list[Any]:
    return [
        [each for each in here if each not in there],
        [each for each in there if each not in here],
    ]
