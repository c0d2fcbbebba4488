"""What is left of a user, group or folder that was deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, now


class Tombstone(Base):
    """It keeps the id from ever meaning something else, and for a while all it takes to restore."""

    __tablename__ = "tombstones"
    __table_args__ = (
        Index(None, "account_id", "type", "deleted_at"),
        Index("ix_tombstones_forget_at", "forget_at"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, comment="of what was deleted")
    type: Mapped[str] = mapped_column(Word, comment="user, group or folder")
    name: Mapped[str] = mapped_column(Name, comment="empty once it is forgotten")
    content: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="what it was, with its memberships and grants; empty once it is forgotten"
    )
    deleted_by: Mapped[str] = mapped_column(Name, comment="name of the actor")
    deleted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    forget_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="until when it can be restored; empty: no longer"
    )
