"""Carrying an import on, from the place it has reached, to its end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.directory import operations, preview
from app.directory.imports import files, joining, people, start
from app.directory.imports.groups import Groups, find_or_make
from app.directory.imports.joining import Window
from app.directory.imports.people import Step
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Problem, keep
from app.directory.imports.table import Form, Row, person_in, rows_from, survey
from app.directory.operations import Operation
from app.directory.work import Work, record_refusal, transaction
from app.store.ahead import read_ahead
from app.store.bulk import analyze
from app.store.database import Base, db, table
from app.store.models import Group, Membership, OperationProblem, User, UserValue
from app.store.types import comparison_key

AT_ONCE = 500
"""How many rows are written in one transaction, at the most."""
EXAMPLES = 10
"""How many of those it adds and changes are named."""
REST = 0.1
"""How long others may write after each transaction on SQLite, in parts of its own time: who waits
there looks from time to time only."""
ANALYZE_AGAIN = 8
"""How many times as much has come into the tables when they are analyzed once more."""
STALE_LIMIT = 20
"""How often a window is read again because others write to its groups meanwhile."""


def carry_on(operation: Operation) -> None:
    """Do what is left of an import.

    :raises Lost: When it is somebody else's by now.
    :raises DirectoryError: When it cannot go on.
    """
    run = Run(operation)
    run.analyze(User, UserValue, Group, Membership)
    run.find_groups()
    if run.step == "people":
        run.write_people()
    if run.joins:
        run.write_memberships()
    # The file of a trial is needed once more; the command has it.
    operations.finish(operation, keep_file=run.trial and operation.actor.surface != "cli")


class Run:
    """An import that this process carries on."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        options = operation.options
        self.trial: bool = options["trial"]
        self.form = Form.read(options["form"])
        self.joins = start.writes_groups(options)
        self.columns = tuple(
            each if each != "groups" or self.joins else None for each in self.form.columns
        )
        self.groups = Groups(exactly=self.joins and options["groups"] == "exactly")
        self.grown = self.analyze_at = 0
        self.met: set[int] = set()
        """Whom a trial would have added so far, as hashes: it keeps nobody. (Where another process
        goes on, one who is in the file twice counts as added twice.)"""

    @property
    def step(self) -> str:
        return str(self.operation.position.get("step", "people"))

    # -- Groups -----------------------------------------------------------

    def find_groups(self) -> None:
        """Find the groups the file names, and make those that are missing."""
        if not self.joins:
            return
        names = sorted(survey(self._chunks(0)).groups.items())
        made = 0
        for some in _portions(names):
            with self._transaction() as work, self._writing(work) as inner:
                make = self.operation.options["create_groups"]
                new = find_or_make(inner, dict(some), self.groups, make=make)
                made += len(new)
                if self.trial:
                    self.groups.ids.update(dict.fromkeys(new))
                else:
                    self.operation.counts["groups"] += len(new)
            self._grow(0 if self.trial else len(new), Group)
        self.grown = self.analyze_at = 0
        if self.trial:
            self.operation.counts["groups"] = made

    # -- People -----------------------------------------------------------

    def write_people(self) -> None:
        """Add and change people, some hundred rows at a time."""
        rows = self._read_ahead()
        waiting: list[tuple[Row, Person | Problem]] = []
        while True:
            waiting += islice(rows, AT_ONCE - len(waiting))
            if not waiting:
                break
            waiting = waiting[self._write_some(waiting) :]
        self.operation.position = {"step": "memberships"}

    def _write_some(self, waiting: list[tuple[Row, Person | Problem]]) -> int:
        """Write some rows, and return how many of them were taken."""
        found = [each for _, each in waiting if isinstance(each, Person)]
        with self._transaction() as work:
            with self._writing(work) as inner:
                taken, step = people.write(inner, found, self.groups)
            count = len(waiting)
            if taken < len(found):
                count = next(place for place, row in enumerate(waiting) if row[1] is found[taken])
            read = [each for _, each in waiting[:count] if isinstance(each, Problem)]
            self._note(work, step, read)
            if self.joins:
                whom = [_joining(each, step) for _, each in waiting[:count]]
                files.keep_people(work, self.operation.id, self.operation.done, whom)
            last = waiting[count - 1][0]
            self.operation.done += count
            self.operation.position = {"step": "people", "begin": last.end, "line": last.lines}
        if not self.trial:
            self._grow(step.counts["created"], User, UserValue)
            for target, reason in step.audited:
                actor = self.operation.actor
                record_refusal(work.account_id, actor, "directory.refused", reason, target)
        return count

    def _note(self, work: Work, step: Step, read: list[Problem]) -> None:
        """Note what came of some rows."""
        counts, examples = self.operation.counts, self.operation.examples
        problems = [*step.problems, *read]
        counts.update(step.counts)
        counts["refused"] += len(problems)
        self._keep(work, problems)
        if self.trial:
            new = {hash(comparison_key(name)) for name in step.created}
            again = len(new & self.met)
            counts.update(created=-again, updated=again)
            self.met |= new
        for name, some in (("created", step.created), ("updated", step.updated)):
            shown = examples.setdefault(name, [])
            shown += some[: EXAMPLES - len(shown)]

    # -- Memberships ------------------------------------------------------

    def write_memberships(self) -> None:
        """Put people into groups, a window of the file after the other."""
        kept = select(OperationProblem.line).where(
            OperationProblem.account_id == self.operation.account_id,
            OperationProblem.operation_id == self.operation.id,
        )
        told = set(db.session.scalars(kept))
        db.session.rollback()
        self.grown = self.analyze_at = 0
        stale = 0
        while True:
            try:
                if not self._write_window(told):
                    return
                stale = 0
            except IntegrityError:
                stale += 1
                if stale > STALE_LIMIT:
                    raise

    def _write_window(self, told: set[int]) -> bool:
        """Write the next window, and return whether there was one.

        :param told: The lines of which it is told already that not everything could be done.
        :raises IntegrityError: When others have written to its groups; the same one is next again.
        """
        operation, window = self.operation, Window()
        begun = operation.position.get("rows", 0)
        read, problems = 0, []
        people = files.people_from(operation.account_id, operation.id, begun)
        while not window.is_full and (some := list(islice(people, AT_ONCE))):
            read += len(some)
            those = [each for each in some if each is not None]
            problems += window.add(operation.account_id, those, self.groups)
            db.session.rollback()
            operations.hold(operation)
        if not read:
            return False
        rows_in_all, written = operation.options["rows"], 0
        for batch in window.batches():
            with self._transaction() as work:
                with self._writing(work) as inner:
                    new, beyond = joining.write(inner, window, batch)
                operation.counts["joined"] += new
                self._keep_once(work, beyond, told)
                written += sum(map(len, batch.values()))
                part = read * written // max(window.pairs, 1)
                operation.done = rows_in_all + begun + min(part, read)
            self._grow(0 if self.trial else new, Membership)
        with self._transaction() as work:
            self._keep_once(work, problems, told)
            operation.counts["joined"] += window.imagined if self.trial else 0
            operation.done = rows_in_all + begun + read
            operation.position = {"step": "memberships", "rows": begun + read}
        return True

    def _keep_once(self, work: Work, problems: list[Problem], told: set[int]) -> None:
        """Keep the problems of rows that have none yet."""
        new = {each.line: each for each in reversed(problems) if each.line not in told}
        told |= new.keys()
        self.operation.counts["partly"] += len(new)
        self._keep(work, [new[line] for line in sorted(new)])

    # -- What the steps have in common ------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[Work]:
        """Open the transaction of one step; it ends with the note of how far it went."""
        begun = time.monotonic()
        with transaction(self.operation.account_id, self.operation.actor) as work:
            start.check(work, self.operation.options)
            yield work
            operations.advance(self.operation)
        self.rest(time.monotonic() - begun)

    def rest(self, seconds: float) -> None:
        """Let others write, after a transaction that took so long."""
        if db.session.get_bind().dialect.name == "sqlite":
            time.sleep(REST * seconds)

    def _grow(self, count: int, *models: type[Base]) -> None:
        """Analyze tables when they have grown by much."""
        self.grown += count
        if count and self.grown >= self.analyze_at:
            self.analyze(*models)
            self.analyze_at = self.grown * ANALYZE_AGAIN

    def analyze(self, *models: type[Base]) -> None:
        """Let the database analyze tables that an import of many fills."""
        if self.operation.options["rows"] > AT_ONCE:
            analyze(*map(table, models))

    @contextmanager
    def _writing(self, work: Work) -> Iterator[Work]:
        """Enclose what a trial undoes."""
        if not self.trial:
            yield work
            return
        with preview.trial(work) as inner:
            yield inner

    def _keep(self, work: Work, problems: list[Problem]) -> None:
        counts = self.operation.counts
        keep(work, self.operation.id, problems, counts["refused"] + counts["partly"])

    def _read_ahead(self) -> Iterator[tuple[Row, Person | Problem]]:
        """Return the rows from the place reached on; the next are read while some are written."""
        account_id, position = self.operation.account_id, self.operation.position
        begin = position.get("begin", self.form.begins)
        chunks = files.chunks_from(account_id, self.operation.id, begin)
        rows = rows_from(chunks, self.form, begin, position.get("line", self.form.line))
        return read_ahead(
            lambda: [(row, person_in(row, self.columns)) for row in islice(rows, AT_ONCE)]
        )

    def _chunks(self, begin: int) -> Iterator[bytes]:
        for chunk in files.chunks_from(self.operation.account_id, self.operation.id, begin):
            operations.hold(self.operation)  # A large file takes longer to read than a lease lasts.
            yield chunk


def _joining(read: Person | Problem, step: Step) -> files.Joining | None:
    """Return what is kept of a row for when people are put into groups; None: it was refused."""
    user_id = step.user_ids.get(read.line)
    if user_id is None or isinstance(read, Problem):
        return None
    return user_id, read.line, read.login, read.groups or {}


def _portions(names: Iterable[Any]) -> Iterator[list[Any]]:
    """Return some at a time."""
    left = iter(names)
    while some := list(islice(left, AT_ONCE)):
        yield some
