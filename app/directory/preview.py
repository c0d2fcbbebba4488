"""What a write would change, without changing anything: it is done, looked at, and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app.access import difference
from app.access.difference import Difference
from app.directory.work import Actor, Work, lock_account
from app.store.database import savepoint, write_transaction
from app.store.types import now

T = TypeVar("T")


@dataclass(frozen=True)
class Preview(Generic[T]):
    """What a write would do."""

    result: T
    events: list[dict[str, Any]]
    """The audit events it would write."""
    access: Difference
    """Who would gain or lose which roles and folders."""


@contextmanager
def part(work: Work) -> Iterator[Work]:
    """Enclose writes that would be a transaction of their own: they are undone alone."""
    mark = len(work.events)
    try:
        with savepoint():
            yield work
            work.finish()
    except BaseException:
        del work.events[mark:]
        raise


class _Undo(Exception):
    """Ends a transaction of which nothing is kept."""


def preview(account_id: str, actor: Actor, write: Callable[[Work], T]) -> Preview[T]:
    """Do a write within a transaction of its own, and undo it.

    It is done once more where it concerns others as things stand than when it is done. Nobody
    else sees any of it.

    :param write: Does its writes with the work it is given, and returns a result.
    Whatever the write raises goes on, and nothing is kept then either.
    """
    affected: set[str] = set()
    with _undone():
        lock_account(account_id)
        while True:
            with _undone(nested=True):
                result, work = _done(account_id, actor, write)
                affected.update(difference.users_affected_by(account_id, work.events))
                within = difference.folders_touched(account_id, work.events)
                after = difference.access_of(account_id, affected, within)
            others = affected.union(difference.users_affected_by(account_id, work.events))
            if others == affected:
                break
            affected = others
        before = difference.access_of(account_id, affected, within)
        access = difference.difference(before, after)
    return Preview(result, work.events, access)


@contextmanager
def undone(account_id: str, actor: Actor) -> Iterator[Work]:
    """Open a transaction for writes of which nothing is kept."""
    with _undone():
        lock_account(account_id)
        yield Work(account_id, actor, now())


@contextmanager
def trial(work: Work) -> Iterator[Work]:
    """Enclose writes of which nothing is kept, in a transaction that goes on."""
    with _undone(nested=True):
        yield Work(work.account_id, work.actor, work.at)


def _done(account_id: str, actor: Actor, write: Callable[[Work], T]) -> tuple[T, Work]:
    work = Work(account_id, actor, now())
    result = write(work)
    work.finish()
    return result, work


@contextmanager
def _undone(*, nested: bool = False) -> Iterator[None]:
    try:
        with savepoint() if nested else write_transaction():
            yield
            raise _Undo
    except _Undo:
        pass
