"""Sessions of people, and what a sign-in needs to remember between two requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, Name, UtcDateTime, Word, new_id, now


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
        Index("ix_sessions_expires_at", "expires_at"),
        Index(None, "account_id", "user_id"),
        Index(None, "account_id", "connection_id", "name_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    connection_id: Mapped[str | None] = mapped_column(Id)
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the cookie, hexadecimal")
    method: Mapped[str] = mapped_column(Word, comment="saml, link, …")
    awaits: Mapped[str | None] = mapped_column(
        Word, comment="second_factor or enrolment: it is no sign-in before that; empty: nothing"
    )
    second_factor: Mapped[str | None] = mapped_column(
        Word, comment="totp, passkey, recovery_code or provider; empty: none was used"
    )
    challenge: Mapped[str | None] = mapped_column(
        Word, comment="what a passkey is to sign, once (WebAuthn)"
    )
    challenge_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    name_id: Mapped[str | None] = mapped_column(Name)
    name_id_format: Mapped[str | None] = mapped_column(Name)
    name_qualifier: Mapped[str | None] = mapped_column(Name)
    sp_name_qualifier: Mapped[str | None] = mapped_column(Name)
    session_index: Mapped[str | None] = mapped_column(Name)
    address: Mapped[str | None] = mapped_column(Word)
    user_agent: Mapped[str] = mapped_column(Name, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApplicationSession(Base):
    """A session as it is known on the host of an application, where our own cookie is not sent.

    It begins as a code in a link, good for a moment and for one use; opening the link turns it
    into a cookie of that host. It ends with the session.
    """

    __tablename__ = "application_sessions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "session_id"],
            ["sessions.account_id", "sessions.id"],
            ondelete="CASCADE",
        ),
        Index("ix_application_sessions_hash", "hash", unique=True),
        Index(None, "account_id", "session_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(Id)
    origin: Mapped[str] = mapped_column(Name, comment="scheme, host and port of the application")
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the code, then of the cookie")
    path: Mapped[str | None] = mapped_column(
        Name, comment="where the link leads; empty: it is used"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    code_expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInLink(Base):
    """A single-use link that signs a person in, such as the first administrator."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        Index("ix_sign_in_links_hash", "hash", unique=True),
        Index(None, "account_id", "user_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    purpose: Mapped[str] = mapped_column(
        Word, default="sign_in", server_default="sign_in", comment="sign_in, invitation or reset"
    )
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the link's secret, hexadecimal")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SamlRequest(Base):
    """A request we sent to a provider and that has not been answered yet. Its answer deletes it."""

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
    kind: Mapped[str] = mapped_column(
        Word, default="sign_in", server_default="sign_in", comment="sign_in or logout"
    )
    browser_hash: Mapped[str | None] = mapped_column(
        Word, comment="SHA-256 of the cookie of the browser that asked, if it keeps one"
    )
    relay_state: Mapped[str] = mapped_column(Name, default="", comment="path to return to")
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SamlAssertion(Base):
    """An assertion, or another message of a provider, already used.

    The key makes a second use fail, in any process.
    """

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


class SamlTrace(Base):
    """A sign-in that failed, check by check, for an administrator to understand it.

    Kept for some days. What it says of people is masked.
    """

    __tablename__ = "saml_traces"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index(None, "account_id", "connection_id", "id"),
        Index("ix_saml_traces_at", "at"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    request_id: Mapped[str | None] = mapped_column(Word, comment="what the person was shown")
    address: Mapped[str | None] = mapped_column(Word)
    reason: Mapped[str] = mapped_column(Name)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    name_id: Mapped[str | None] = mapped_column(Name, comment="masked")
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, comment="names, and masked values")
