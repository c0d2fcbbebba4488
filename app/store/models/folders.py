"""The folder tree. ``parent_id`` is the truth; the closure makes checks one indexed join."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Name, UtcDateTime, new_id, now


class Folder(Base):
    """A folder. Each account has one root, the only folder without a parent, named ``/``."""

    __tablename__ = "folders"
    __table_args__ = (
        UniqueConstraint("account_id", "parent_id", "name_key", name="folder_name"),
        Index(
            "ix_folders_one_root",
            "account_id",
            unique=True,
            sqlite_where=text("parent_id IS NULL"),
            postgresql_where=text("parent_id IS NULL"),
        ),
        ForeignKeyConstraint(["account_id", "parent_id"], ["folders.account_id", "folders.id"]),
        Index(None, "account_id", "external_id"),
        Index(None, "account_id", "name_key"),
        CheckConstraint("id <> parent_id", name="not_in_itself"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    parent_id: Mapped[str | None] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    name_key: Mapped[str] = mapped_column(Name, comment="name, for comparison")
    restricted: Mapped[bool] = mapped_column(
        default=False, comment="grants above this folder do not reach it"
    )
    external_id: Mapped[str | None] = mapped_column(Name, comment="the provider's id of it")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class FolderClosure(Base):
    """Every folder with each of its ancestors, itself included at depth 0."""

    __tablename__ = "folder_closure"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "ancestor_id"], ["folders.account_id", "folders.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "descendant_id"],
            ["folders.account_id", "folders.id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "ancestor_id", "descendant_id"),
        CheckConstraint("depth >= 0", name="depth"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    descendant_id: Mapped[str] = mapped_column(Id, primary_key=True)
    ancestor_id: Mapped[str] = mapped_column(Id, primary_key=True)
    depth: Mapped[int] = mapped_column()
