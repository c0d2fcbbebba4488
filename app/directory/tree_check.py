"""Whether the closure of the folders says what their parents say, and making it so again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice

from sqlalchemy import delete, select

from app.directory.tree import MAX_DEPTH
from app.directory.work import Target, Work
from app.store.bulk import insert_rows
from app.store.database import db, table
from app.store.models import Folder, FolderClosure

CHUNK = 5_000
"""How many rows are read or written at once."""


@dataclass
class Report:
    """How an account's closure stands to its folders."""

    folders: int
    missing: int = 0
    """Pairs of a folder and one above it that the closure lacks: access that is not given."""
    extra: int = 0
    """Pairs it has and should not: access that should not be given."""
    example: str | None = None
    """The id of a folder it is wrong about."""

    @property
    def is_right(self) -> bool:
        return not self.missing and not self.extra


def check(account_id: str) -> Report:
    """Compare an account's closure with the parents of its folders, as they are at one moment."""
    db.session.rollback()
    if db.engine.dialect.name != "sqlite":  # There a transaction always sees one state.
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    report = _compared(account_id)
    db.session.rollback()
    return report


def repair(work: Work) -> Report:
    """Make an account's closure anew where it is wrong, and return how it stood before.

    Who may do what can change by it, as it does when a folder is moved.
    """
    report = _compared(work.account_id)
    if report.is_right:
        return report
    closure = table(FolderClosure)
    db.session.execute(delete(closure).where(closure.c.account_id == work.account_id))
    pairs = _pairs(work.account_id)
    while rows := list(islice(pairs, CHUNK)):
        insert_rows(closure, rows)
    work.access_changed = True
    counts = {"missing": report.missing, "extra": report.extra}
    work.record("folder.tree_repaired", Target("account", work.account_id), before=counts)
    return report


def _compared(account_id: str) -> Report:
    parents = _parents(account_id)
    report = Report(len(parents))
    unseen = set(parents)
    for folder_id, found in _closure(account_id):
        unseen.discard(folder_id)
        _compare(report, folder_id, found, _above(parents, folder_id))
    for folder_id in unseen:
        _compare(report, folder_id, set(), _above(parents, folder_id))
    return report


def _compare(
    report: Report, folder_id: str, found: set[tuple[str, int]], right: set[tuple[str, int]]
) -> None:
    if found != right:
        report.missing += len(right - found)
        report.extra += len(found - right)
        report.example = report.example or folder_id


def _parents(account_id: str) -> dict[str, str | None]:
    query = select(Folder.id, Folder.parent_id).where(Folder.account_id == account_id)
    rows = db.session.execute(query.execution_options(yield_per=CHUNK))
    return {row.id: row.parent_id for row in rows}


def _above(parents: dict[str, str | None], folder_id: str) -> set[tuple[str, int]]:
    """Return the folders above one with how far they are; itself is the first, at 0."""
    found: set[tuple[str, int]] = set()
    here: str | None = folder_id
    while here is not None and len(found) <= MAX_DEPTH:  # A circle would have no end.
        found.add((here, len(found)))
        here = parents.get(here)
    return found


def _closure(account_id: str) -> Iterator[tuple[str, set[tuple[str, int]]]]:
    """Return each folder of the closure with those above it, as it has them."""
    columns = table(FolderClosure).c
    query = (
        select(columns.descendant_id, columns.ancestor_id, columns.depth)
        .where(columns.account_id == account_id)
        .order_by(columns.descendant_id)
    )
    rows = db.session.execute(query.execution_options(yield_per=CHUNK))
    for folder_id, same in groupby(rows, key=lambda row: row.descendant_id):
        yield folder_id, {(row.ancestor_id, row.depth) for row in same}


def _pairs(account_id: str) -> Iterator[dict[str, object]]:
    parents = _parents(account_id)
    for folder_id in parents:
        for ancestor_id, depth in _above(parents, folder_id):
            yield {
                "account_id": account_id,
                "descendant_id": folder_id,
                "ancestor_id": ancestor_id,
                "depth": depth,
            }
