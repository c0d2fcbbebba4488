"""What belongs to the installation as a whole, and to no account."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, LongText, Name, UtcDateTime, Word, new_id, now


class SigningKey(Base):
    """A key that signs the tokens applications read. Its id is the ``kid`` (RFC 7517 §4.5)."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    public: Mapped[dict[str, Any]] = mapped_column(Json, comment="the public key, as a JWK")
    sealed_key: Mapped[str] = mapped_column(
        LongText, comment="the private key (PEM), encrypted with the secret key"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Attempts(Base):
    """How often something sensitive failed lately, such as signing in under one name."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_forget_at", "forget_at"),)

    key: Mapped[str] = mapped_column(
        Word, primary_key=True, comment="SHA-256 of what is counted, hexadecimal"
    )
    failures: Mapped[int] = mapped_column(default=0)
    wait_until: Mapped[datetime] = mapped_column(UtcDateTime)
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RequestCount(Base):
    """How many requests somebody who asks much has made in a minute, of all processes together."""

    __tablename__ = "request_counts"

    key: Mapped[str] = mapped_column(
        Word, primary_key=True, comment="SHA-256 of whom it counts, hexadecimal"
    )
    minute: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="since 1970 (Unix time / 60)"
    )
    events: Mapped[int] = mapped_column()


class Job(Base):
    """When a piece of background work is due; who moves the time on does the work."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(Word, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(Name, comment="why it failed the last time")
