"""Long operations, such as an import of people: how far each is, and what it works on."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now

_OPEN = text("state IN ('waiting', 'running')")


class Operation(Base):
    """Something that takes a while. Any process carries it on where the last one stopped."""

    __tablename__ = "operations"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="state"
        ),
        Index("ix_operations_open", "created_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_operations_updated_at", "updated_at"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Word, comment="such as import")
    name: Mapped[str] = mapped_column(Name, comment="what it is about, such as a file's name")
    state: Mapped[str] = mapped_column(Word, default="waiting")
    options: Mapped[dict[str, Any]] = mapped_column(Json, comment="what is to be done, by kind")
    total: Mapped[int] = mapped_column(comment="how much there is to do")
    done: Mapped[int] = mapped_column(default=0, comment="how much of it is done")
    counts: Mapped[dict[str, int]] = mapped_column(
        Json, default=dict, comment="what came of it, such as created, updated, refused"
    )
    position: Mapped[dict[str, Any]] = mapped_column(
        Json, default=dict, comment="where to go on; written with what was done up to there"
    )
    examples: Mapped[dict[str, Any]] = mapped_column(
        Json, default=dict, comment="the first things it did, to be shown"
    )
    error: Mapped[str | None] = mapped_column(Name, comment="why it failed")
    actor_type: Mapped[str] = mapped_column(Word, comment="who asked for it")
    actor_id: Mapped[str | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    surface: Mapped[str] = mapped_column(Word, comment="cli: the command carries it on itself")
    address: Mapped[str | None] = mapped_column(Word)
    runner: Mapped[str | None] = mapped_column(Id, comment="who works on it, made up at each turn")
    leased_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="who has not written by then is gone, and another one may go on"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OperationPiece(Base):
    """A piece of the file an operation works on, or of what it notes down for itself meanwhile.

    They go when the operation is over.
    """

    __tablename__ = "operation_pieces"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "operation_id"],
            ["operations.account_id", "operations.id"],
            ondelete="CASCADE",
        ),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    operation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    part: Mapped[str] = mapped_column(
        Word, primary_key=True, comment="file; people: the ids of those its rows are about"
    )
    number: Mapped[int] = mapped_column(
        primary_key=True, comment="which piece; of people, the row it begins with"
    )
    content: Mapped[bytes] = mapped_column(LargeBinary)


class OperationProblem(Base):
    """One row of a file of which not everything could be done, and why."""

    __tablename__ = "operation_problems"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "operation_id"],
            ["operations.account_id", "operations.id"],
            ondelete="CASCADE",
        ),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    operation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, comment="of the file, from 1")
    column: Mapped[str | None] = mapped_column(Word, comment="which cell; empty: the whole row")
    name: Mapped[str] = mapped_column(Name, comment="who the row is about, as far as it says")
    reason: Mapped[str] = mapped_column(Name)
    whole: Mapped[bool] = mapped_column(comment="nothing of the row was done")
