"""Who is told what happens: streams of events, and the events that could not be handed over."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, LongText, Name, UtcDateTime, Word, new_id, now

_ASKED_AGAIN = text("asked_again_at IS NOT NULL")


class EventStream(Base):
    """Events of an account on their way to one receiver, in the order in which they happened."""

    __tablename__ = "event_streams"
    __table_args__ = (
        CheckConstraint("delivery IN ('push', 'poll')", name="delivery"),
        CheckConstraint("status IN ('enabled', 'paused', 'disabled')", name="status"),
        CheckConstraint("(delivery = 'push') = (endpoint IS NOT NULL)", name="endpoint"),
        CheckConstraint("(delivery = 'poll') = (hash IS NOT NULL)", name="hash"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name)
    delivery: Mapped[str] = mapped_column(Word, comment="push (RFC 8935) or poll (RFC 8936)")
    endpoint: Mapped[str | None] = mapped_column(Name, comment="where events are pushed to")
    sealed_authorization: Mapped[str | None] = mapped_column(
        LongText, comment="the Authorization header of a push, encrypted with the secret key"
    )
    hash: Mapped[str | None] = mapped_column(
        Word, unique=True, comment="SHA-256 of the token a receiver polls with, hexadecimal"
    )
    audience: Mapped[str] = mapped_column(Name, comment="who the tokens are for (aud)")
    wanted: Mapped[list[str]] = mapped_column(
        Json, default=list, comment="URIs of events, * at the end for any; none: all events"
    )
    status: Mapped[str] = mapped_column(Word, default="enabled")
    problem: Mapped[str | None] = mapped_column(Name, comment="why the last try failed")
    cursor: Mapped[int] = mapped_column(
        BigInteger, comment="all events up to this sequence are settled"
    )
    settled: Mapped[list[int]] = mapped_column(
        Json, default=list, comment="those after it that a polling receiver has settled"
    )
    failures: Mapped[int] = mapped_column(default=0, comment="tries in a row, of the next event")
    dead_in_a_row: Mapped[int] = mapped_column(default=0, comment="events given up in a row")
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    runner: Mapped[str | None] = mapped_column(Id, comment="who pushes, made up at each turn")
    leased_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="who has not written by then is gone, and another one may go on"
    )
    worked_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=now, comment="when it had its last turn"
    )
    delivered_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when the receiver last took an event"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class DeadLetter(Base):
    """An event that a receiver did not take. The stream went on without it."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "stream_id"],
            ["event_streams.account_id", "event_streams.id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_dead_letters_asked_again",
            "account_id",
            "stream_id",
            sqlite_where=_ASKED_AGAIN,
            postgresql_where=_ASKED_AGAIN,
        ),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    stream_id: Mapped[str] = mapped_column(Id, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str] = mapped_column(Id)
    type: Mapped[str] = mapped_column(Word)
    error: Mapped[str] = mapped_column(Name, comment="what the receiver said of it")
    tries: Mapped[int] = mapped_column(default=1)
    died_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    asked_again_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="somebody wants it to be tried again"
    )
