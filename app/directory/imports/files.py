"""The file of an import, kept in pieces in the database: any process can go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sqlalchemy import insert, select, update

from app.directory.errors import Invalid
from app.directory.work import Work
from app.store.database import db
from app.store.models import OperationPiece

PIECE = 262_144
"""Bytes of a piece; the last one may have fewer."""
SIZE_LIMIT = 64 * 1024 * 1024
"""Largest file, in bytes."""


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Return a file from its beginning, piece by piece.

    :raises Invalid: When it is too large.
    """
    stream.seek(0)
    size = 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > SIZE_LIMIT:
            limit = SIZE_LIMIT // 1024 // 1024
            raise Invalid(f"The file is larger than {limit} MB. Split it.", field="file")
        yield piece


def keep(work: Work, operation_id: str, stream: BinaryIO) -> None:
    """Keep a file for an operation."""
    key = {"account_id": work.account_id, "operation_id": operation_id}
    for number, piece in enumerate(chunks_of(stream)):
        row = key | {"number": number, "content": piece}
        db.session.execute(insert(OperationPiece), [row])


def hand_over(work: Work, from_id: str, to_id: str) -> bool:
    """Give the file of one operation to another; return whether it has one."""
    query = (
        update(OperationPiece)
        .where(OperationPiece.account_id == work.account_id, OperationPiece.operation_id == from_id)
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
            OperationPiece.account_id == account_id,
            OperationPiece.operation_id == operation_id,
            OperationPiece.number == number,
        )
        content = db.session.scalar(query)
        db.session.rollback()
        if content is None:
            return
        yield content[skipped:]
        number, skipped = number + 1, 0
