"""Long operations: asked for by one, carried on by whoever is there, found again by everybody.

What an operation does is said where its kind is at home, such as ``imports``. It goes on step by
step; each is one transaction, which notes the place reached as well (:func:`advance`). So whoever
is stopped anywhere, and however, loses nothing and does nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select, text, update
from sqlalchemy.orm import aliased

from app.directory.errors import Invalid, NotFound
from app.directory.work import Actor, Target, Work, transaction
from app.store.database import db, write_transaction
from app.store.models import Operation as Row
from app.store.models import OperationPiece
from app.store.types import new_id, now
from app.words import say

LEASE = timedelta(seconds=15)
"""Who has noted nothing for so long is taken to be gone, and another one goes on."""
KEPT = timedelta(days=30)
"""How long an operation can be looked at after its last step."""
KEPT_OF_KIND = {"drift": 20}
"""How many of an account that are over can be looked at: what they found may be large."""
FILE_KEPT = timedelta(days=1)
"""How long the file of a trial is kept, so that it can be done in earnest."""
OPEN_LIMIT = 5
"""How many operations of one account may wait or run at the same time, beside the command's."""
LONGEST_TEXT = 1000
IS_OPEN = text("operations.state IN ('waiting', 'running')")
"""As a literal: otherwise no index of a part of the table is found."""


class Lost(Exception):
    """This process has the operation no more: it was cancelled, or another one has taken it."""


@dataclass
class Operation:
    """An operation that this process carries on. What changes is kept by :func:`advance`."""

    account_id: str
    id: str
    kind: str
    name: str
    options: dict[str, Any]
    actor: Actor
    """Who asked for it. All it does is done in their name, under the operation's id."""
    runner: str
    total: int
    done: int
    counts: Counter[str]
    position: dict[str, Any]
    examples: dict[str, Any]
    noted_at: datetime
    watch: Callable[[Operation], None] | None = None
    """Is told of each step."""


def create(work: Work, kind: str, name: str, options: dict[str, Any], total: int) -> str:
    """Add an operation that waits to be carried on, and return its id.

    :param total: How much there is to do, for the bar.
    :raises Invalid: When too many are open.
    """
    actor = work.actor
    if actor.surface != "cli":
        _check_room(work)
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "kind": kind,
        "name": name[:LONGEST_TEXT],
        "options": options,
        "total": total,
        "actor_type": actor.type,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "surface": actor.surface,
        "address": actor.address,
        "created_at": work.at,
        "updated_at": work.at,
    }
    db.session.execute(insert(Row), [row])
    work.record(f"{kind}.requested", Target(kind, str(row["id"]), name), after=options)
    return str(row["id"])


def _check_room(work: Work) -> None:
    is_open = select(func.count()).where(
        Row.account_id == work.account_id, Row.surface != "cli", IS_OPEN
    )
    if (db.session.scalar(is_open) or 0) >= OPEN_LIMIT:
        raise Invalid(
            say(
                "%(limit)s are waiting or running already. Wait for one to end, or cancel it.",
                limit=OPEN_LIMIT,
            )
        )


def claim(account_id: str, operation_id: str) -> Operation | None:
    """Take an operation to carry it on; None where somebody else does, or it is over."""
    return _claim(Row.account_id == account_id, Row.id == operation_id)


def claim_next() -> Operation | None:
    """Take the oldest operation that nobody carries on, but for those of the command.

    Whoever stopped the command did so on purpose; the same command goes on. An account has its
    turn once at a time: its writes wait for each other anyway, and other accounts would too.
    """
    other = aliased(Row)
    at = now()
    has_its_turn = exists().where(
        other.account_id == Row.account_id,
        other.id != Row.id,
        other.state == "running",
        _is_leased(other, at),
    )
    return _claim(Row.surface != "cli", ~has_its_turn)


def _is_leased(row: Any, at: datetime) -> Any:
    """Return whether somebody carries an operation on.

    A lease that is twice as long as any was given before the clock was put back.
    """
    return (row.leased_until > at) & (row.leased_until <= at + 2 * LEASE)


def _claim(*conditions: Any) -> Operation | None:
    at = now()
    free = (IS_OPEN, or_(Row.state == "waiting", ~_is_leased(Row, at)))
    db.session.rollback()  # What is open may have begun before it was asked for.
    # Read first: most times there is none, and a write would make others wait.
    found = select(Row.account_id, Row.id).where(*free, *conditions).order_by(Row.created_at)
    one = db.session.execute(found.limit(1)).first()
    db.session.rollback()
    if one is None:
        return None
    taken = {"state": "running", "runner": new_id(), "leased_until": at + LEASE}
    query = (
        update(Row)
        .where(Row.account_id == one.account_id, Row.id == one.id, *free)
        .values(taken | {"started_at": func.coalesce(Row.started_at, at)})
        .returning(Row.__table__)
    )
    with write_transaction():
        row = db.session.execute(query).first()
    return None if row is None else _operation(row)


def _operation(row: Any) -> Operation:
    return Operation(
        account_id=row.account_id,
        id=row.id,
        kind=row.kind,
        name=row.name,
        options=row.options,
        actor=Actor(
            type=row.actor_type,
            id=row.actor_id,
            name=row.actor_name,
            surface=row.surface,
            address=row.address,
            request_id=row.id,
        ),
        runner=row.runner,
        total=row.total,
        done=row.done,
        counts=Counter(row.counts),
        position=row.position,
        examples=row.examples,
        noted_at=now(),
    )


def advance(operation: Operation) -> None:
    """Note how far an operation is, in the transaction of what was done up to there.

    :raises Lost: When this process has it no more; then nothing of the transaction may be kept.
    """
    at = now()
    values = {
        "done": operation.done,
        "counts": dict(operation.counts),
        "position": operation.position,
        "examples": operation.examples,
        "updated_at": at,
    }
    _set(operation, **values, leased_until=at + LEASE)
    operation.noted_at = at
    if operation.watch is not None:
        operation.watch(operation)


def hold(operation: Operation) -> None:
    """Note that this process still works on an operation, where it takes long to the next step.

    :raises Lost: As :func:`advance`.
    """
    if abs(now() - operation.noted_at) > LEASE / 3:  # The clock may be put back.
        with write_transaction():
            advance(operation)


def release(operation: Operation) -> None:
    """Give an operation back, for somebody to go on with it."""
    with write_transaction():
        _set(operation, state="waiting", runner=None, leased_until=None)


def finish(operation: Operation, error: str | None = None, *, keep_file: bool = False) -> None:
    """End an operation.

    :param error: Why it cannot go on; None: it is done.
    :param keep_file: Whether its file is kept for a while.
    :raises Lost: When this process has it no more.
    """
    state = "failed" if error else "done"
    with transaction(operation.account_id, operation.actor) as work:
        ended = {"state": state, "error": error and error[:LONGEST_TEXT], "finished_at": work.at}
        _set(operation, **ended, runner=None, leased_until=None, updated_at=work.at)
        drop_pieces(operation.account_id, operation.id, but="file" if keep_file else None)
        told = dict(operation.counts) | ({"error": error[:LONGEST_TEXT]} if error else {})
        target = Target(operation.kind, operation.id, operation.name)
        work.record(f"{operation.kind}.{state}", target, after=told)


def cancel(work: Work, operation_id: str) -> None:
    """Stop an operation for good, wherever it is. What it has done stays.

    :raises NotFound: When the account has no such operation that waits or runs.
    """
    query = (
        update(Row)
        .where(Row.account_id == work.account_id, Row.id == operation_id, IS_OPEN)
        .values(state="cancelled", runner=None, leased_until=None)
        .values(finished_at=work.at, updated_at=work.at)
        .returning(Row.kind, Row.name, Row.counts)
    )
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("operation that waits or runs", operation_id)
    drop_pieces(work.account_id, operation_id)
    target = Target(row.kind, operation_id, row.name)
    work.record(f"{row.kind}.cancelled", target, after=row.counts)


def drop_pieces(account_id: str, operation_id: str, *, but: str | None = None) -> None:
    """Forget the file of an operation, and what it has noted down, but for one part."""
    where = [OperationPiece.part != but] if but else []
    db.session.execute(
        delete(OperationPiece).where(
            OperationPiece.account_id == account_id,
            OperationPiece.operation_id == operation_id,
            *where,
        )
    )


def forget_old() -> None:
    """Forget operations that nobody has touched for long, and files that are no longer needed."""
    at = now()
    over = select(Row.account_id, Row.id).where(Row.finished_at <= at - FILE_KEPT)
    with_file = over.join(
        OperationPiece,
        (OperationPiece.account_id == Row.account_id) & (OperationPiece.operation_id == Row.id),
    )
    for row in db.session.execute(with_file.distinct()).all():
        with write_transaction():
            drop_pieces(row.account_id, row.id)
    with write_transaction():
        db.session.execute(delete(Row).where(Row.updated_at <= at - KEPT))
    for kind, number in KEPT_OF_KIND.items():
        _forget_but(kind, number)


def _forget_but(kind: str, number: int) -> None:
    """Forget what is over of a kind, but the newest of each account."""
    place = func.row_number().over(partition_by=Row.account_id, order_by=Row.id.desc())
    over = select(Row.account_id, Row.id, place.label("place")).where(
        Row.kind == kind, Row.finished_at.is_not(None)
    )
    ranked = over.subquery()
    query = select(ranked.c.account_id, ranked.c.id).where(ranked.c.place > number)
    for account_id, id_ in db.session.execute(query).all():
        with write_transaction():
            db.session.execute(delete(Row).where(Row.account_id == account_id, Row.id == id_))


def _set(operation: Operation, **values: Any) -> None:
    query = (
        update(Row)
        .where(
            Row.account_id == operation.account_id,
            Row.id == operation.id,
            Row.runner == operation.runner,
            Row.state == "running",
        )
        .values(values)
        .returning(Row.id)
    )
    if db.session.scalar(query) is None:
        raise Lost
