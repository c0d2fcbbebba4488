"""The keys that sign what applications read: which one signs, and which are published.

An application may have fetched the published keys a while ago. So a new key is published before it
signs, and an old one is published for as long as what it signed may be in use.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.security.secrets import SealError, unseal
from app.store.database import db
from app.store.models import SigningKey

PUBLISHED_BEFORE = timedelta(hours=1)
"""How long a new key is published before it signs, if another can sign."""
PUBLISHED_AFTER = timedelta(days=1)
"""How long a key is published after another has taken over."""


@dataclass(frozen=True)
class PrivateKey:
    id: str
    """The ``kid`` of what it signs (RFC 7515 §4.1.4)."""
    pem: str


def signing_key(secret_key: str, at: datetime) -> PrivateKey | None:
    """Return the key that signs now: the newest one that is known long enough; None: no key.

    Where the secret key was lost, and most keys with it: the newest one that it opens.

    :raises SealError: When it opens none.
    """
    query = select(SigningKey.id, SigningKey.sealed_key, SigningKey.created_at)
    rows = db.session.execute(query.order_by(SigningKey.created_at.desc(), SigningKey.id)).all()
    if not rows:
        return None
    known = [row for row in rows if row.created_at <= at - PUBLISHED_BEFORE]
    for row in (known[0] if known else rows[-1], *rows):
        with suppress(SealError):
            return PrivateKey(row.id, unseal(secret_key, row.id, row.sealed_key))
    raise SealError("The secret key opens none of the signing keys.")


def public_key(key_id: str) -> dict[str, Any] | None:
    """Return a public key as a JWK, also one that is no longer published; None: there is none."""
    found: dict[str, Any] | None = db.session.scalar(
        select(SigningKey.public).where(SigningKey.id == key_id)
    )
    return found


def published_keys(at: datetime) -> list[dict[str, Any]]:
    """Return the public keys to verify with, as JWKs (RFC 7517 §4), the newest first."""
    query = select(SigningKey.public, SigningKey.created_at)
    rows = db.session.execute(query.order_by(SigningKey.created_at.desc(), SigningKey.id)).all()
    found = []
    taken_over: datetime | None = None
    for row in rows:
        if taken_over is None or at < taken_over + PUBLISHED_AFTER:
            found.append(row.public)
        taken_over = row.created_at + PUBLISHED_BEFORE
    return found
