"""What an account adds to the SCIM schemas: its own extensions and attributes, as data."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, now


class DeclaredSchema(Base):
    """One schema of an account: an extension, or attributes it adds to a core schema.

    ``attributes`` is the list of attribute definitions in the form of RFC 7643 §7.
    """

    __tablename__ = "declared_schemas"
    __table_args__ = (CheckConstraint("resource IN ('User', 'Group')", name="resource"),)

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    urn: Mapped[str] = mapped_column(Name, primary_key=True)
    resource: Mapped[str] = mapped_column(Word, comment="what it extends: User or Group")
    name: Mapped[str] = mapped_column(Name)
    attributes: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
