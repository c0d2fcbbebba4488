"""Accounts (tenants) and the addresses their surfaces may be reached from."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Name, UtcDateTime, Word, new_id, now


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name)
    name_key: Mapped[str] = mapped_column(Name, unique=True, comment="name, for comparison")
    access_epoch: Mapped[int] = mapped_column(
        default=0, comment="grows with every write that can change who may do what"
    )
    user_count: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how many users it has"
    )
    group_count: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how many groups it has"
    )
    list_version: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="grows when a user or group is added or removed"
    )
    scim_epoch: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="grows when its SCIM schemas change"
    )
    keeps_unknown: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="attributes no schema declares are kept, not ignored",
    )
    requires_saml: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="people sign in through SAML and in no other way",
    )
    requires_second_factor: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="everyone proves with a second factor who they are",
    )
    audit_sequence: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="place of the last event in the sealed chain"
    )
    audit_seal: Mapped[str | None] = mapped_column(Word, comment="seal of that event")
    event_sequence: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0", comment="place of the last outgoing event"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AddressRule(Base):
    """An address range one surface may be reached from. A surface without rules is open."""

    __tablename__ = "address_rules"
    __table_args__ = (
        CheckConstraint("surface IN ('console', 'api', 'scim')", name="surface"),
        Index(None, "account_id", "surface"),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    surface: Mapped[str] = mapped_column(Word)
    network: Mapped[str] = mapped_column(Word, comment="CIDR, IPv4 or IPv6")
    note: Mapped[str] = mapped_column(Name, default="")
    created_by: Mapped[str] = mapped_column(
        Name, default="", server_default=text("''"), comment="name of the actor"
    )
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
