"""What the admin API needs to remember."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, now


class IdempotencyKey(Base):
    """A POST that was done, and its answer: sent again, it is answered and not done again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    caller_id: Mapped[str] = mapped_column(Id, primary_key=True, comment="token or user")
    key_hash: Mapped[str] = mapped_column(
        Word, primary_key=True, comment="SHA-256 of the key, hexadecimal"
    )
    fingerprint: Mapped[str] = mapped_column(Word, comment="SHA-256 of what was asked")
    status: Mapped[int] = mapped_column()
    location: Mapped[str | None] = mapped_column(Name)
    etag: Mapped[str | None] = mapped_column(Word)
    body: Mapped[dict[str, Any]] = mapped_column(Json, comment="without secrets")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
