"""What of a file cannot be done, and why; the rest of it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from app.directory.errors import DirectoryError, Invalid
from app.directory.operations import LONGEST_TEXT
from app.directory.preview import part
from app.directory.work import Work
from app.store.bulk import insert_rows
from app.store.database import table
from app.store.models import OperationProblem
from app.words import Said, say

T = TypeVar("T")

LIMIT = 10_000
"""Of how many rows it is kept why. A file with more of them is not worth going on with."""
NAME_SHOWN = 256
"""How much of a name is kept with a problem, in characters."""


@dataclass(frozen=True)
class Problem:
    """One row of which not everything could be done."""

    line: int
    """Of the file, from 1."""
    column: str | None
    """Which cell; None: the whole row."""
    name: str
    """Who the row is about, as far as it says."""
    reason: Said
    whole: bool = True
    """Whether nothing of the row was done."""


def keep(work: Work, operation_id: str, problems: Iterable[Problem], so_far: int) -> None:
    """Keep what of an operation's file cannot be done, for people to read.

    :param so_far: Of how many rows that is so, with these.
    :raises Invalid: When it is too many to go on.
    """
    if so_far > LIMIT:
        sentence = say(
            "More than %(limit)s rows are refused. Mend the file and begin again.", limit=LIMIT
        )
        raise Invalid(sentence)
    key = {"account_id": work.account_id, "operation_id": operation_id}
    rows = [
        {
            **key,
            "line": each.line,
            "column": each.column,
            "name": each.name[:NAME_SHOWN],
            "reason": each.reason[:LONGEST_TEXT],
            "whole": each.whole,
        }
        for each in problems
    ]
    insert_rows(table(OperationProblem), rows)


class Refused(Exception):
    """A row cannot be done."""

    def __init__(self, column: str | None, reason: Said) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


def all_but_refused(
    work: Work, items: Sequence[T], write: Callable[[Work, Sequence[T]], object]
) -> list[tuple[T, Exception]]:
    """Write some things at once, but for those that are refused; return these, each with why.

    :param write: Writes some of them, or raises. Where it does, it is tried with half of them: one
        that is refused costs a few tries, and takes no other along.
    """
    if not items:
        return []
    try:
        with part(work):
            write(work, items)
        return []
    except (DirectoryError, IntegrityError) as error:
        if len(items) == 1:
            return [(items[0], error)]
    half = len(items) // 2
    return [
        *all_but_refused(work, items[:half], write),
        *all_but_refused(work, items[half:], write),
    ]
