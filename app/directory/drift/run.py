"""Carrying a report on, from the place it has reached, to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, exists, select

from app.directory import operations
from app.directory.drift import fixing
from app.directory.drift.comparing import Compared, Scope, compare
from app.directory.drift.lines import as_json, lines_of, read, some_of
from app.directory.imports import files
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Problem, keep
from app.directory.imports.start import must_write
from app.directory.operations import Operation
from app.directory.work import Work, transaction
from app.store.bulk import analyze_grown, insert_rows
from app.store.database import db, table
from app.store.models import DriftRow, User
from app.store.types import comparison_key

AT_ONCE = 500
"""How many people are compared at a time."""
FORGOTTEN_AT_ONCE = 20_000


def carry_on(operation: Operation) -> None:
    """Do what is left of a report, or of making the store what a report has found.

    :raises Lost: When it is somebody else's by now.
    :raises DirectoryError: When it cannot go on.
    """
    if operation.options["fix"]:
        fixing.carry_on(operation)
    else:
        Report(operation).carry_on()


class Report:
    """A report that this process carries on."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.scope = Scope(
            operation.account_id,
            operation.id,
            operation.options["connection"]["id"],
            self._groups() if operation.options["groups"] else frozenset(),
            operation.options["groups"],
        )

    def carry_on(self) -> None:
        """Compare all who are in the file, then find those who are here alone."""
        if self.operation.position.get("step", "people") == "people":
            self._compare_people()
        self._find_extra()
        operations.finish(self.operation)

    def _groups(self) -> frozenset[str]:
        """Return the names of the groups the file names, for comparison."""
        each = (read(line) for line in lines_of(self._chunks(0)))
        return frozenset(
            key for person in each if isinstance(person, Person) for key in person.groups or ()
        )

    def _chunks(self, begin: int) -> Iterator[bytes]:
        for chunk in files.chunks_from(self.operation.account_id, self.operation.id, begin):
            operations.hold(self.operation)
            yield chunk

    # -- Who is in the file -----------------------------------------------

    def _compare_people(self) -> None:
        end = self.operation.position.get("begin", 0)
        lines = lines_of(self._chunks(end))
        while some := some_of(lines, AT_ONCE):
            end += sum(map(len, some))
            each = list(map(read, some))
            found, problems = compare(self.scope, [one for one in each if isinstance(one, Person)])
            problems += [one for one in each if isinstance(one, Problem)]
            self._note(
                found=[_row(one) for one in found],
                problems=problems,
                read=len(some),
                position={"step": "people", "begin": end, "number": each[-1].line},
            )
            analyze_grown([table(DriftRow)], self.operation.done)
        self.operation.position |= {"step": "extra"}

    # -- Who is not -------------------------------------------------------

    def _find_extra(self) -> None:
        position = self.operation.position
        after, number = position.get("after", ""), position.get("number", 0)
        while rows := self._extra_after(after):
            after = rows[-1].id
            noted = [_extra(number + place, row) for place, row in enumerate(rows, start=1)]
            number += len(noted)
            self._note(noted, position={"step": "extra", "after": after, "number": number})
        self._forget_same(number)

    def _forget_same(self, last: int) -> None:
        """Forget who is the same, some at a time: others write in between."""
        for end in range(FORGOTTEN_AT_ONCE, last + FORGOTTEN_AT_ONCE, FORGOTTEN_AT_ONCE):
            with self._transaction():
                db.session.execute(
                    delete(DriftRow).where(
                        DriftRow.account_id == self.scope.account_id,
                        DriftRow.operation_id == self.scope.operation_id,
                        DriftRow.number <= end,
                        DriftRow.kind == "same",
                    )
                )

    def _extra_after(self, after: str) -> list[Any]:
        """Return the next people of the connection who are active here, and not in the file."""
        named = exists().where(
            DriftRow.account_id == User.account_id,
            DriftRow.operation_id == self.scope.operation_id,
            DriftRow.user_id == User.id,
        )
        query = select(User.id, User.user_name).where(
            User.account_id == self.scope.account_id,
            User.id > after,
            User.connection_id == self.scope.connection_id,
            User.active.is_(True),
            ~named,
        )
        found = list(db.session.execute(query.order_by(User.id).limit(AT_ONCE)))
        db.session.rollback()
        return found

    # -- What the steps have in common ------------------------------------

    def _note(
        self,
        found: list[dict[str, Any]],
        problems: Sequence[Problem] = (),
        read: int = 0,
        *,
        position: dict[str, Any],
    ) -> None:
        """Note what some people are, and how far it went."""
        operation = self.operation
        with self._transaction() as work:
            key = {"account_id": work.account_id, "operation_id": operation.id}
            insert_rows(table(DriftRow), [key | row for row in found])
            operation.counts.update(row["kind"] for row in found)
            operation.counts["refused"] += len(problems)
            keep(work, operation.id, problems, operation.counts["refused"])
            operation.done += read
            operation.position = position

    @contextmanager
    def _transaction(self) -> Iterator[Work]:
        with transaction(self.operation.account_id, self.operation.actor) as work:
            must_write(work, groups=self.scope.with_groups)
            yield work
            operations.advance(self.operation)


def _row(one: Compared) -> dict[str, Any]:
    return {
        "number": one.person.line,
        "kind": one.kind,
        "user_id": one.user_id,
        "name": one.person.login,
        "name_key": one.person.key,
        "changes": one.changes,
        "person": {} if one.kind == "same" else as_json(one.person),
    }


def _extra(number: int, row: Any) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "extra",
        "user_id": row.id,
        "name": row.user_name,
        "name_key": comparison_key(row.user_name),
        "changes": {},
        "person": {},
    }
