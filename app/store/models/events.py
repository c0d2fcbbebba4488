"""What happened (audit) and what is to be told to others (outgoing)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now


class AuditEvent(Base):
    """One line of the audit log. Rows are only ever added; the worker seals them into a chain."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "account_id", "at"),
        Index(None, "account_id", "target_type", "target_id", "at"),
        Index(None, "account_id", "request_id"),
        Index(None, "account_id", "actor_id", "at"),
        Index(None, "account_id", "action", "at"),
        Index(
            "ix_audit_events_refused",
            "account_id",
            "at",
            sqlite_where=text("outcome = 'refused'"),
            postgresql_where=text("outcome = 'refused'"),
        ),
        Index(
            "ix_audit_events_unsealed",
            "account_id",
            "id",
            sqlite_where=text("sequence IS NULL"),
            postgresql_where=text("sequence IS NULL"),
        ),
        UniqueConstraint("account_id", "sequence", name="audit_sequence"),
        CheckConstraint("outcome IN ('success', 'refused')", name="outcome"),
        CheckConstraint("(sequence IS NULL) = (seal IS NULL)", name="sealed"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    action: Mapped[str] = mapped_column(Word, comment="such as user.deactivated")
    outcome: Mapped[str] = mapped_column(Word, default="success")
    reason: Mapped[str] = mapped_column(Name, default="", comment="why it was refused")
    actor_type: Mapped[str] = mapped_column(Word, comment="user, token, connection or system")
    actor_id: Mapped[str | None] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    surface: Mapped[str] = mapped_column(Word, comment="scim, saml, console, api or cli")
    target_type: Mapped[str] = mapped_column(Word)
    target_id: Mapped[str | None] = mapped_column(Id)
    target_name: Mapped[str] = mapped_column(Name, default="")
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    address: Mapped[str | None] = mapped_column(Word)
    request_id: Mapped[str | None] = mapped_column(Word)
    sequence: Mapped[int | None] = mapped_column(comment="place in the sealed chain")
    seal: Mapped[str | None] = mapped_column(Word, comment="hash over this row and the one before")


class AuditDay(Base):
    """How many events of a kind there were on a day; each is counted once, when it is sealed."""

    __tablename__ = "audit_days"

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True, comment="in UTC")
    action: Mapped[str] = mapped_column(Word, primary_key=True)
    outcome: Mapped[str] = mapped_column(Word, primary_key=True)
    events: Mapped[int] = mapped_column()


class OutgoingEvent(Base):
    """A change to tell to others, written in the transaction that made it."""

    __tablename__ = "outgoing_events"
    __table_args__ = (UniqueConstraint("account_id", "sequence"),)

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sequence: Mapped[int] = mapped_column(
        BigInteger, comment="place among the account's events, in the order of its transactions"
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    type: Mapped[str] = mapped_column(Word)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
