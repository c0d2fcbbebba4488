"""What identity providers asked over SCIM, request by request, and how it went."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now


class ProvisioningEntry(Base):
    """One request of a provider: every write, and whatever failed.

    What a write changed stands in the audit events with the same ``request_id``.
    """

    __tablename__ = "provisioning_log"
    __table_args__ = (
        Index(None, "account_id", "connection_id", "id"),
        Index(None, "account_id", "resource_id", "id"),
        Index(None, "account_id", "resource_key", "id"),
        Index(
            "ix_provisioning_log_failures",
            "account_id",
            "id",
            sqlite_where=text("status >= 400"),
            postgresql_where=text("status >= 400"),
        ),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    connection_id: Mapped[str | None] = mapped_column(Id)
    actor_id: Mapped[str | None] = mapped_column(Id, comment="the token")
    actor_name: Mapped[str] = mapped_column(Name)
    address: Mapped[str | None] = mapped_column(Word)
    user_agent: Mapped[str] = mapped_column(Name, default="")
    request_id: Mapped[str | None] = mapped_column(Word)
    method: Mapped[str] = mapped_column(Word)
    path: Mapped[str] = mapped_column(Name, comment="under the SCIM root, with the filter")
    resource_type: Mapped[str | None] = mapped_column(Word, comment="User, Group, …")
    resource_id: Mapped[str | None] = mapped_column(Id)
    resource_name: Mapped[str | None] = mapped_column(Name, comment="userName or displayName")
    resource_key: Mapped[str | None] = mapped_column(Name, comment="the name, for comparison")
    status: Mapped[int] = mapped_column(comment="HTTP status of the answer")
    scim_type: Mapped[str | None] = mapped_column(Word)
    detail: Mapped[str | None] = mapped_column(Name, comment="what the answer said was wrong")
    notes: Mapped[list[dict[str, Any]]] = mapped_column(
        Json, default=list, comment="what was read otherwise than sent, such as unknown attributes"
    )
    duration_us: Mapped[int] = mapped_column(comment="microseconds until it was decided")
