"""Users, and the values of their multi-valued attributes."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, LongText, Name, UtcDateTime, Word, new_id, now


class User(Base):
    """A person. What is joined, unique, sorted or filtered on often is a column.

    ``attributes`` holds the other single-valued attributes by their SCIM names, extensions under
    their URN; the multi-valued ones are rows of ``user_values``.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("account_id", "user_name_key", name="user_name"),
        Index(None, "account_id", "external_id"),
        Index(None, "account_id", "display_name_key", "id"),
        Index(None, "account_id", "last_sign_in_at", "id"),
        ForeignKeyConstraint(
            ["account_id", "connection_id"], ["connections.account_id", "connections.id"]
        ),
        CheckConstraint("origin IN ('manual', 'scim', 'saml')", name="origin"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_name: Mapped[str] = mapped_column(Name)
    user_name_key: Mapped[str] = mapped_column(Name, comment="user_name, for comparison")
    external_id: Mapped[str | None] = mapped_column(Name)
    display_name: Mapped[str | None] = mapped_column(Name)
    display_name_key: Mapped[str | None] = mapped_column(Name, comment="for comparison")
    active: Mapped[bool | None] = mapped_column(
        default=True, comment="empty: a provider removed it; that is not active"
    )
    password_hash: Mapped[str | None] = mapped_column(Name, comment="argon2id")
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    break_glass: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="may sign in without SAML where the account requires it",
    )
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    undeclared: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="attributes no schema declares, where the account keeps them"
    )
    origin: Mapped[str] = mapped_column(Word, default="manual")
    connection_id: Mapped[str | None] = mapped_column(Id, comment="who provisioned it")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_sign_in_method: Mapped[str | None] = mapped_column(Word, comment="saml, link or password")
    last_sign_in_factor: Mapped[str | None] = mapped_column(
        Word, comment="totp, passkey, recovery_code or provider; empty: none was used"
    )


class UserValue(Base):
    """One value of a multi-valued attribute, such as one e-mail address."""

    __tablename__ = "user_values"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "attribute", "value_key"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    attribute: Mapped[str] = mapped_column(Word, primary_key=True, comment="SCIM name: emails, …")
    position: Mapped[int] = mapped_column(primary_key=True, comment="place in the list, from 0")
    value: Mapped[str | None] = mapped_column(LongText)
    value_key: Mapped[str | None] = mapped_column(Name, comment="value, for comparison")
    type: Mapped[str | None] = mapped_column(Name)
    display: Mapped[str | None] = mapped_column(Name)
    primary: Mapped[bool | None] = mapped_column()
    extra: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="other sub-attributes by their SCIM names, such as those of addresses"
    )
