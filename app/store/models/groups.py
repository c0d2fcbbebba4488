"""Groups, who is in them, and groups in groups."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now


class Group(Base):
    __tablename__ = "groups"
    __table_args__ = (
        Index(None, "account_id", "display_name_key"),
        Index(None, "account_id", "external_id"),
        ForeignKeyConstraint(
            ["account_id", "connection_id"], ["connections.account_id", "connections.id"]
        ),
        CheckConstraint("origin IN ('manual', 'scim', 'saml')", name="origin"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    display_name: Mapped[str] = mapped_column(Name)
    display_name_key: Mapped[str] = mapped_column(Name, comment="for comparison")
    external_id: Mapped[str | None] = mapped_column(Name)
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    undeclared: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="attributes no schema declares, where the account keeps them"
    )
    origin: Mapped[str] = mapped_column(Word, default="manual")
    connection_id: Mapped[str | None] = mapped_column(Id, comment="who provisioned it")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Membership(Base):
    """A user in a group. Indexed both ways: the key lists a group, the index a user's groups."""

    __tablename__ = "memberships"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "group_id"], ["groups.account_id", "groups.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "user_id", "group_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class NestedGroup(Base):
    """A group in a group. ``app.directory.memberships`` refuses a cycle."""

    __tablename__ = "nested_groups"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "group_id"], ["groups.account_id", "groups.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "member_id"], ["groups.account_id", "groups.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "member_id", "group_id"),
        CheckConstraint("group_id <> member_id", name="not_in_itself"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
