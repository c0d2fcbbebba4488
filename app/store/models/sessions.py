"""Sessions of people, and what a sign-in needs to remember between two requests."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Name, UtcDateTime, Word, new_id, now


class Session(Base):
    """A signed-in person on one device. ``name_id`` and ``session_index`` serve single logout."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index("ix_sessions_hash", "hash", unique=True),
        Index(None, "account_id", "user_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    connection_id: Mapped[str | None] = mapped_column(Id)
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the cookie, hexadecimal")
    method: Mapped[str] = mapped_column(Word, comment="saml, link, …")
    name_id: Mapped[str | None] = mapped_column(Name)
    session_index: Mapped[str | None] = mapped_column(Name)
    address: Mapped[str | None] = mapped_column(Word)
    user_agent: Mapped[str] = mapped_column(Name, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInLink(Base):
    """A single-use link that signs a person in, such as the first administrator."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        Index("ix_sign_in_links_hash", "hash", unique=True),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the link's secret, hexadecimal")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SamlRequest(Base):
    """An AuthnRequest we sent and that has not been answered yet. Its answer deletes it."""

    __tablename__ = "saml_requests"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index("ix_saml_requests_expires_at", "expires_at"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    request_id: Mapped[str] = mapped_column(Name, primary_key=True)
    browser_hash: Mapped[str | None] = mapped_column(
        Word, comment="SHA-256 of the cookie of the browser that asked, if it keeps one"
    )
    relay_state: Mapped[str] = mapped_column(Name, default="", comment="path to return to")
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SamlAssertion(Base):
    """An assertion already used. The key makes a second use fail, in any process."""

    __tablename__ = "saml_assertions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index("ix_saml_assertions_expires_at", "expires_at"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    assertion_id: Mapped[str] = mapped_column(Name, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
