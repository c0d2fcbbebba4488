"""Second factors: what people prove with, beside their password, who they are."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, LongText, Name, UtcDateTime, Word, new_id, now


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
    )


class TotpDevice(Base):
    """An application that shows six digits, anew every 30 seconds (RFC 6238)."""

    __tablename__ = "totp_devices"
    __table_args__ = (_of_user(), Index(None, "account_id", "user_id"))

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    sealed_secret: Mapped[str] = mapped_column(Name, comment="encrypted with the secret key")
    last_step: Mapped[int | None] = mapped_column(
        comment="the last 30 seconds whose digits were used: none are good twice"
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="empty: its first digits have not been seen yet"
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A key that a device of the person keeps (WebAuthn)."""

    __tablename__ = "passkeys"
    __table_args__ = (
        _of_user(),
        Index(None, "account_id", "user_id"),
        Index("ix_passkeys_credential_id", "credential_id", unique=True),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    credential_id: Mapped[str] = mapped_column(Name, comment="base64url, as the device calls it")
    public_key: Mapped[str] = mapped_column(LongText, comment="COSE, base64url")
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[str] = mapped_column(Name, default="", comment="comma-separated")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code for the day the other factors are lost, good once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (_of_user(), Index(None, "account_id", "user_id"))

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[str] = mapped_column(Word, comment="SHA-256 of the code, hexadecimal")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
