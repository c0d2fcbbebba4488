"""Roles, grants of roles, and the mappings that make grants when a group or user arrives."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now


class Role(Base):
    """A named set of permissions, on the account or on folders.

    The built-in roles are rows too (their id is their name), so that grants have one foreign
    key; what they permit stands in ``app.access.permissions``.
    """

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("account_id", "scope", "name_key", name="role_name"),
        CheckConstraint("scope IN ('account', 'folder')", name="scope"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    scope: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(Name)
    name_key: Mapped[str] = mapped_column(Name, comment="name, for comparison")
    built_in: Mapped[bool] = mapped_column(default=False)
    permissions: Mapped[list[str]] = mapped_column(
        Json, default=list, comment="actions of a custom role; empty for a built-in one"
    )
    description: Mapped[str] = mapped_column(Name, default="", server_default=text("''"))
    requires_second_factor: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="who holds it proves with a second factor who they are",
    )
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="empty: not since it was made"
    )


class Mapping(Base):
    """A rule on a connection: who matches gets this role (on this folder).

    It matches a group by its name or external id, or a user by a value of ``roles`` or of
    ``entitlements``; it may exist before either arrives.
    """

    __tablename__ = "mappings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["account_id", "role_id"], ["roles.account_id", "roles.id"]),
        ForeignKeyConstraint(
            ["account_id", "folder_id"], ["folders.account_id", "folders.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "match_by", "match_key"),
        CheckConstraint(
            "match_by IN ('display_name', 'external_id', 'role', 'entitlement')", name="match_by"
        ),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str | None] = mapped_column(
        Id, comment="only what came through this connection; empty: any"
    )
    match_by: Mapped[str] = mapped_column(Word)
    match_key: Mapped[str] = mapped_column(Name, comment="what to match, for comparison")
    match_value: Mapped[str] = mapped_column(Name, comment="what to match, as it was given")
    role_id: Mapped[str] = mapped_column(Id)
    folder_id: Mapped[str | None] = mapped_column(Id, comment="empty: a role on the account")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Grant(Base):
    """A role given to one user or one group, on a folder or (account roles) on the account."""

    __tablename__ = "grants"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "group_id"], ["groups.account_id", "groups.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["account_id", "role_id"], ["roles.account_id", "roles.id"]),
        ForeignKeyConstraint(
            ["account_id", "folder_id"], ["folders.account_id", "folders.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "mapping_id"], ["mappings.account_id", "mappings.id"], ondelete="CASCADE"
        ),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_principal"),
        CheckConstraint("origin IN ('manual', 'mapping', 'scim', 'saml')", name="origin"),
        CheckConstraint("(origin = 'mapping') = (mapping_id IS NOT NULL)", name="mapping"),
        CheckConstraint("not_before IS NULL OR not_before < expires_at", name="period"),
        Index(None, "account_id", "user_id", "folder_id"),
        Index(None, "account_id", "group_id", "folder_id"),
        Index(None, "account_id", "folder_id"),
        Index(None, "account_id", "mapping_id"),
        Index(
            "ix_grants_once",
            "account_id",
            text("coalesce(user_id, group_id)"),
            "role_id",
            text("coalesce(folder_id, '')"),
            "origin",
            text("coalesce(mapping_id, '')"),
            unique=True,
        ),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str | None] = mapped_column(Id)
    group_id: Mapped[str | None] = mapped_column(Id)
    role_id: Mapped[str] = mapped_column(Id)
    folder_id: Mapped[str | None] = mapped_column(Id, comment="empty: a role on the account")
    origin: Mapped[str] = mapped_column(Word, default="manual")
    mapping_id: Mapped[str | None] = mapped_column(Id)
    granted_by: Mapped[str] = mapped_column(Name, comment="name of the actor")
    reason: Mapped[str] = mapped_column(Name, default="")
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    external_id: Mapped[str | None] = mapped_column(Name, comment="the provider's id of it")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="empty: not since it was made"
    )
