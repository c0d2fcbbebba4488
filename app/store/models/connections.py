"""Connections to identity providers, and the tokens they present."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Json, LongText, Name, UtcDateTime, Word, new_id, now


class Connection(Base):
    """One identity provider's SCIM or SAML set-up. It belongs to the account, never to a person.

    ``settings`` of a SAML connection: what is kept of the provider's metadata, and the options.
    """

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("account_id", "name_key", name="connection_name"),
        Index("ix_connections_id", "id", unique=True),
        CheckConstraint("kind IN ('scim', 'saml')", name="kind"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(Name)
    name_key: Mapped[str] = mapped_column(Name, comment="name, for comparison")
    enabled: Mapped[bool] = mapped_column(default=True)
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    checked_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when its metadata was last fetched, or could not be"
    )
    problem: Mapped[str | None] = mapped_column(Name, comment="why it could not be fetched")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ConnectionKey(Base):
    """A key pair of ours at one provider. While one replaces another there are two."""

    __tablename__ = "connection_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("account_id", "connection_id", "state", name="connection_key_state"),
        CheckConstraint("state IN ('next', 'current', 'previous')", name="state"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(
        Word, comment="next: announced; current: signs; previous: still decrypts"
    )
    certificate: Mapped[str] = mapped_column(LongText, comment="PEM")
    sealed_key: Mapped[str] = mapped_column(
        LongText, comment="the private key (PEM), encrypted with the secret key"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Domain(Base):
    """A domain of e-mail addresses, and the connection its people sign in through."""

    __tablename__ = "domains"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index("ix_domains_domain", "domain", unique=True),
        Index(None, "account_id", "connection_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    domain: Mapped[str] = mapped_column(Name, primary_key=True, comment="in lower case")
    connection_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OAuthClient(Base):
    """Client credentials of a connection (RFC 6749 §4.4). Its id is the ``client_id``.

    While a new secret replaces an old one, both work.
    """

    __tablename__ = "oauth_clients"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        Index("ix_oauth_clients_id", "id", unique=True),
        Index(None, "account_id", "connection_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the secret, hexadecimal")
    previous_hash: Mapped[str | None] = mapped_column(Word, comment="of the secret it replaced")
    previous_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scopes: Mapped[list[str]] = mapped_column(Json)
    networks: Mapped[list[str]] = mapped_column(
        Json, default=list, comment="CIDR; empty: any address"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Token(Base):
    """A bearer token, of a SCIM connection or for the API. Two live while one replaces the other.

    ``scopes`` are those of ``app.security.tokens`` for SCIM, and actions for the API.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["account_id", "client_id"],
            ["oauth_clients.account_id", "oauth_clients.id"],
            ondelete="CASCADE",
        ),
        Index("ix_tokens_hash", "hash", unique=True),
        Index(None, "account_id", "connection_id"),
        Index(None, "account_id", "client_id", "expires_at"),
        CheckConstraint("surface IN ('scim', 'api')", name="surface"),
        CheckConstraint("(surface = 'scim') = (connection_id IS NOT NULL)", name="connection"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    surface: Mapped[str] = mapped_column(Word, default="scim", server_default="scim")
    connection_id: Mapped[str | None] = mapped_column(Id, comment="empty: it is for the API")
    client_id: Mapped[str | None] = mapped_column(Id, comment="the OAuth client it was issued to")
    name: Mapped[str] = mapped_column(Name)
    prefix: Mapped[str] = mapped_column(Word, comment="start of the token, to recognise it by")
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the token, hexadecimal")
    scopes: Mapped[list[str]] = mapped_column(Json)
    networks: Mapped[list[str]] = mapped_column(
        Json, default=list, comment="CIDR; empty: any address"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    replaced_by: Mapped[str | None] = mapped_column(
        Word, comment="prefix of the token that was issued in its place"
    )
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
