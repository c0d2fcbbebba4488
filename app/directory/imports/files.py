"""The file of an import, kept in pieces in the database: any process can go on with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

import orjson
from sqlalchemy import func, insert, select, update

from app.directory.errors import Invalid
from app.directory.work import Work
from app.store.database import db
from app.store.models import OperationPiece
from app.words import say

FILE, PEOPLE = "file", "people"
PIECE = 262_144
"""Bytes of a piece; the last one may have fewer."""
SIZE_LIMIT = 64 * 1024 * 1024
"""Largest file, in bytes."""
Joining = tuple[str, int, str, dict[str, str]]
"""A user, the line of the file, who it says they are, and the names of their groups."""


def chunks_of(stream: IO[bytes], size_limit: int | None = None) -> Iterator[bytes]:
    """Return a file from its beginning, piece by piece.

    :raises Invalid: When it is too large.
    """
    stream.seek(0)
    size, most = 0, size_limit or SIZE_LIMIT
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > most:
            limit = most // 1024 // 1024
            raise Invalid(
                say("The file is larger than %(limit)s MB. Split it.", limit=limit), field="file"
            )
        yield piece


def keep(work: Work, operation_id: str, stream: IO[bytes], size_limit: int | None = None) -> None:
    """Keep a file for an operation.

    :raises Invalid: When it is too large.
    """
    for number, piece in enumerate(chunks_of(stream, size_limit)):
        _keep(work, operation_id, FILE, number, piece)


def keep_people(
    work: Work, operation_id: str, begin: int, people: Sequence[Joining | None]
) -> None:
    """Keep whom some rows were about and the groups they name, for when people are put into them.

    :param begin: How many rows lie before.
    :param people: None: nobody, for the row was refused.
    """
    _keep(work, operation_id, PEOPLE, begin, orjson.dumps(people))


def people_from(account_id: str, operation_id: str, begin: int) -> Iterator[Joining | None]:
    """Return whom rows were about, row by row, as :func:`keep_people` has kept it.

    Not within a write, as :func:`chunks_from`.

    :param begin: How many rows lie before.
    """
    place = _pieces(account_id, operation_id, PEOPLE)
    first = select(func.max(OperationPiece.number)).where(*place, OperationPiece.number <= begin)
    number = db.session.scalar(first) or 0
    skipped = begin - number
    while True:
        query = select(OperationPiece.content).where(*place, OperationPiece.number == number)
        content = db.session.scalar(query)
        db.session.rollback()
        if content is None:
            return
        people: list[Joining | None] = orjson.loads(content)
        yield from people[skipped:]
        number, skipped = number + len(people), 0


def hand_over(work: Work, from_id: str, to_id: str) -> bool:
    """Give the file of one operation to another; return whether it has one."""
    query = (
        update(OperationPiece)
        .where(*_pieces(work.account_id, from_id, FILE))
        .values(operation_id=to_id)
        .returning(OperationPiece.number)
    )
    return bool(db.session.execute(query).all())


def chunks_from(account_id: str, operation_id: str, begin: int) -> Iterator[bytes]:
    """Return the file of an operation from a place on, a piece in memory at a time.

    Not within a write: no transaction stays open between two pieces.

    :param begin: In bytes.
    """
    number, skipped = divmod(begin, PIECE)
    while True:
        query = select(OperationPiece.content).where(
            *_pieces(account_id, operation_id, FILE), OperationPiece.number == number
        )
        content = db.session.scalar(query)
        db.session.rollback()
        if content is None:
            return
        yield content[skipped:]
        number, skipped = number + 1, 0


def _keep(work: Work, operation_id: str, part: str, number: int, content: bytes) -> None:
    row = {
        "account_id": work.account_id,
        "operation_id": operation_id,
        "part": part,
        "number": number,
        "content": content,
    }
    db.session.execute(insert(OperationPiece), [row])


def _pieces(account_id: str, operation_id: str, part: str) -> tuple[Any, ...]:
    return (
        OperationPiece.account_id == account_id,
        OperationPiece.operation_id == operation_id,
        OperationPiece.part == part,
    )
