"""Making the store what a report has found: who is missing is added, who is extra deactivated.

What is written is compared once more with what is there by now; nobody is ever deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.directory import delegation, operations, user_rows
from app.directory.drift.lines import person_of
from app.directory.errors import DirectoryError
from app.directory.imports import joining, people
from app.directory.imports.groups import Groups, find_or_make
from app.directory.imports.joining import Window
from app.directory.imports.people import Step
from app.directory.imports.persons import Person, groups_named
from app.directory.imports.refusals import Problem, all_but_refused, keep
from app.directory.imports.start import must_write
from app.directory.operations import Operation
from app.directory.profiles import Profile
from app.directory.user_rows import Change
from app.directory.work import AUDITED_REFUSALS, Target, Work, record_refusal, transaction
from app.store.bulk import among
from app.store.database import db
from app.store.models import DriftRow, User

AT_ONCE = 200
"""How many people are written in one transaction, at the most."""


@dataclass
class Done:
    """What came of some rows."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: dict[int, Problem] = field(default_factory=dict)
    """One by row."""
    audited: list[tuple[Target, str]] = field(default_factory=list)
    """Refusals that an administrator should know of."""

    def refuse(self, problems: Sequence[Problem]) -> None:
        for each in problems:
            self.problems.setdefault(each.line, each)


def carry_on(operation: Operation) -> None:
    """Do what is left.

    :raises Lost: When it is somebody else's by now.
    :raises DirectoryError: When it cannot go on.
    """
    while rows := _rows_after(operation, operation.position.get("number", 0)):
        with _transaction(operation) as work:
            done = _write(work, operation.options, rows)
            counts = operation.counts
            counts.update(done.counts)
            counts["refused"] += len(done.problems)
            keep(work, operation.id, done.problems.values(), counts["refused"])
            operation.done += len(rows)
            operation.position = {"number": rows[-1].number}
        for target, reason in done.audited:
            record_refusal(
                operation.account_id, operation.actor, "directory.refused", reason, target
            )
    operations.finish(operation)


def _rows_after(operation: Operation, number: int) -> list[Any]:
    kinds = ["missing", "different"] + (["extra"] if operation.options["deactivate"] else [])
    query = select(DriftRow.__table__).where(
        DriftRow.account_id == operation.account_id,
        DriftRow.operation_id == operation.options["report"],
        DriftRow.number > number,
        DriftRow.kind.in_(kinds),
    )
    found = list(db.session.execute(query.order_by(DriftRow.number).limit(AT_ONCE)))
    db.session.rollback()
    return found


@contextmanager
def _transaction(operation: Operation) -> Iterator[Work]:
    with transaction(operation.account_id, operation.actor) as work:
        must_write(work, groups=operation.options["groups"])
        yield work
        operations.advance(operation)


def _write(work: Work, options: dict[str, Any], rows: Sequence[Any]) -> Done:
    done = Done()
    named = [row for row in rows if row.kind != "extra"]
    if named:
        _write_named(work, options, named, done)
    extra = [row for row in rows if row.kind == "extra"]
    if extra:
        _deactivate(work, options["connection"]["id"], extra, done)
    return done


# -- Who is in the file ---------------------------------------------------


def _write_named(work: Work, options: dict[str, Any], rows: Sequence[Any], done: Done) -> None:
    """Add and change people, then put them into the groups the file says."""
    connection = options["connection"]
    columns = {"origin": connection["kind"], "connection_id": connection["id"]}
    persons = [person_of(row.person) for row in rows]
    groups = Groups(exactly=options["groups"])
    if options["groups"]:
        names = _groups_of(persons, rows)
        made = find_or_make(work, names, groups, make=True, columns=columns)
        done.counts["groups"] += len(made)
    user_ids: dict[int, str] = {}
    rest = persons
    while rest:
        taken, step = people.write(work, rest, groups, columns)
        rest = rest[taken:]
        user_ids |= step.user_ids
        _tell(done, step)
    if options["groups"]:
        _put_in(work, [each for each in persons if each.line in user_ids], user_ids, groups, done)


def _groups_of(persons: Sequence[Person], rows: Sequence[Any]) -> dict[str, str]:
    """Return the groups that some people come into or leave, by name for comparison."""
    names: dict[str, str] = {}
    for row in rows:
        left, _ = row.changes.get("groups", ((), ()))
        names |= groups_named(left)
    for person in persons:
        names |= person.groups or {}
    return names


def _put_in(
    work: Work, persons: Sequence[Person], user_ids: dict[int, str], groups: Groups, done: Done
) -> None:
    window = Window()
    joiners = [(user_ids[each.line], each.line, each.login, each.groups or {}) for each in persons]
    done.refuse(window.add(work.account_id, joiners, groups))
    for batch in window.batches():
        joined, problems = joining.write(work, window, batch)
        done.counts["joined"] += joined
        done.refuse(problems)


def _tell(done: Done, step: Step) -> None:
    done.counts.update(step.counts)
    done.refuse(step.problems)
    done.audited += step.audited


# -- Who is here alone ----------------------------------------------------


def _deactivate(work: Work, connection_id: str, rows: Sequence[Any], done: Done) -> None:
    """Deactivate people, those who are gone or no longer the connection's left out."""
    numbers = {row.user_id: row.number for row in rows}
    query = select(User.id, User.user_name).where(
        User.account_id == work.account_id,
        among(User.id, numbers),
        User.connection_id == connection_id,
        User.active.is_(True),
    )
    found = list(db.session.execute(query))
    over = delegation.over_users(work, [row.id for row in found])
    refused: dict[str, Exception] = dict(over)
    changes = [
        Change.between(row.id, Profile(row.user_name), Profile(row.user_name, active=False))
        for row in found
        if row.id not in over
    ]
    refused |= {each.id: error for each, error in all_but_refused(work, changes, user_rows.change)}
    done.counts["deactivated"] += len(found) - len(refused)
    done.counts["unchanged"] += len(rows) - len(found)
    names = {row.id: row.user_name for row in found}
    for user_id, error in refused.items():
        if not isinstance(error, DirectoryError):
            raise error
        name = names[user_id]
        done.refuse([Problem(numbers[user_id], None, name, error.sentence)])
        if isinstance(error, AUDITED_REFUSALS):
            done.audited.append((Target("user", user_id, name), error.sentence))
