"""The long operations of an account: how far each is, and what it could not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, exists, select

from app.lists.paging import Order, Page, page_of
from app.lists.spreadsheets import line
from app.store.database import db
from app.store.models import Operation, OperationPiece, OperationProblem

NEWEST_FIRST = Order("created_at", Operation.id, Operation.id, descending=True)
SHOWN = (
    *("id", "kind", "name", "state", "options", "total", "done", "counts", "examples", "error"),
    *("actor_type", "actor_id", "actor_name", "surface", "created_at", "started_at"),
    *("updated_at", "finished_at"),
)
PROBLEM = ("line", "column", "name", "reason", "whole")
PROBLEMS_AT_ONCE = 1_000


def listed(
    account_id: str, kind: str, *, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of operations of a kind, the newest first.

    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id).where(Operation.kind == kind)
    return page_of(
        query,
        NEWEST_FIRST,
        lambda rows: [_document(row) for row in rows],
        cursor=cursor,
        limit=limit,
    )


def one(account_id: str, operation_id: str) -> dict[str, Any] | None:
    """Return what is shown of one operation; None where there is none."""
    row = db.session.execute(_query(account_id).where(Operation.id == operation_id)).first()
    return None if row is None else _document(row)


def problems(
    account_id: str, operation_id: str, *, after: int = 0, limit: int = 100
) -> list[dict[str, Any]]:
    """Return the rows of which not everything could be done, in the order of the file.

    :param after: The line after which they lie.
    """
    columns = [getattr(OperationProblem, name) for name in PROBLEM]
    query = select(*columns).where(
        OperationProblem.account_id == account_id,
        OperationProblem.operation_id == operation_id,
        OperationProblem.line > after,
    )
    rows = db.session.execute(query.order_by(OperationProblem.line).limit(limit))
    return [dict(row._mapping) for row in rows]


def problems_as_csv(account_id: str, operation_id: str) -> Iterator[str]:
    """Return all of these rows as CSV with a head, with some of them in memory.

    Not within a write: no transaction stays open between two pages.
    """
    yield line(["line", "column", "person", "reason", "done"])
    after = 0
    while True:
        some = problems(account_id, operation_id, after=after, limit=PROBLEMS_AT_ONCE)
        db.session.rollback()
        for each in some:
            done = "nothing" if each["whole"] else "all but this"
            yield line([each["line"], each["column"], each["name"], each["reason"], done])
        if len(some) < PROBLEMS_AT_ONCE:
            return
        after = some[-1]["line"]


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    has_file = exists().where(
        OperationPiece.account_id == Operation.account_id,
        OperationPiece.operation_id == Operation.id,
        OperationPiece.part == "file",
        OperationPiece.number == 0,
    )
    columns = [getattr(Operation, name) for name in SHOWN]
    return select(*columns, has_file.label("has_file")).where(Operation.account_id == account_id)


def _document(row: Any) -> dict[str, Any]:
    return dict(row._mapping)
