"""What a drift report found: how a provider's people differ from those of its connection here."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, Word


class DriftRow(Base):
    """One person of a report. Those who are the same go when it is done."""

    __tablename__ = "drift_rows"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "operation_id"],
            ["operations.account_id", "operations.id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "operation_id", "user_id"),
        Index(None, "account_id", "operation_id", "name_key"),
        CheckConstraint("kind IN ('missing', 'extra', 'different', 'same')", name="kind"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    operation_id: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(
        primary_key=True, comment="line or resource of the file; extra ones come after"
    )
    kind: Mapped[str] = mapped_column(Word, comment="missing: here; extra: here alone")
    user_id: Mapped[str | None] = mapped_column(Id, comment="empty: missing")
    name: Mapped[str] = mapped_column(Name, comment="user name")
    name_key: Mapped[str] = mapped_column(Name, comment="name, for comparison")
    changes: Mapped[dict[str, Any]] = mapped_column(
        Json, comment="by field, what is here and what is there"
    )
    person: Mapped[dict[str, Any]] = mapped_column(
        Json, comment="what the file says, for it to be made so; empty: extra"
    )
