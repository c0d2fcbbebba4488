"""A POST that is sent again is answered again, and not done again.

The answer is kept in the transaction that did it, so there is never one without the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from app.directory.errors import Invalid
from app.directory.work import Work
from app.security.secrets import digest
from app.store.database import db, write_transaction
from app.store.models import IdempotencyKey
from app.store.types import now
from app.words import say

LONGEST_KEY = 255
KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Answer:
    """What was answered. ``body`` holds no secret."""

    status: int
    body: dict[str, Any]
    location: str | None
    etag: str | None


def find(work: Work, key: str, request: str) -> Answer | None:
    """Return the answer to an earlier request with this key, or None.

    :param request: What is asked, as a text: method, path and body.
    :raises Invalid: When the key is too long, or was used for another request.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid(say("An Idempotency-Key has 1 to %(limit)s characters.", limit=LONGEST_KEY))
    row = db.session.execute(select(IdempotencyKey.__table__).where(*_is(work, key))).first()
    if row is None:
        return None
    if row.fingerprint != digest(request):
        raise Invalid(say("This Idempotency-Key was used for another request."))
    return Answer(row.status, row.body, row.location, row.etag)


def keep(work: Work, key: str, request: str, answer: Answer) -> None:
    """Keep an answer, for as long as a client may ask again."""
    row = {
        "account_id": work.account_id,
        "caller_id": work.actor.id,
        "key_hash": digest(key),
        "fingerprint": digest(request),
        "status": answer.status,
        "location": answer.location,
        "etag": answer.etag,
        "body": answer.body,
        "created_at": work.at,
    }
    # One that is over its time, and not cleared away yet, gives way.
    db.session.execute(delete(IdempotencyKey).where(*_key(work, key)))
    db.session.execute(insert(IdempotencyKey), [row])


def forget_old() -> None:
    """Delete the answers that are over their time."""
    with write_transaction():
        old = IdempotencyKey.created_at <= now() - KEPT
        db.session.execute(delete(IdempotencyKey).where(old))


def _key(work: Work, key: str) -> tuple[Any, ...]:
    return (
        IdempotencyKey.account_id == work.account_id,
        IdempotencyKey.caller_id == work.actor.id,
        IdempotencyKey.key_hash == digest(key),
    )


def _is(work: Work, key: str) -> tuple[Any, ...]:
    return (*_key(work, key), IdempotencyKey.created_at > work.at - KEPT)
