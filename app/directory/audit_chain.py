"""The sealed chain: what the audit log said once can no longer be changed unnoticed.

A background job gives each event its place (``sequence``) and a ``seal``: an HMAC over the seal
before it and all that the event says. It is checked by ``audit_check``. As each event comes by
once, it is counted here too (``audit_days``).
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from app.directory import audit_days
from app.directory.errors import Invalid
from app.security.requests import settings
from app.security.secrets import derived_key
from app.store.database import db, table, write_transaction
from app.store.models import Account, AuditEvent
from app.words import say

BATCH = 1_000
"""How many events are sealed in one transaction."""
BATCHES = 100
"""How many transactions one turn takes for one account at the most."""
SEALED = (
    *("account_id", "id", "at", "action", "outcome", "reason"),
    *("actor_type", "actor_id", "actor_name", "surface", "address", "request_id"),
    *("target_type", "target_id", "target_name", "before", "after", "sequence"),
)
"""The columns a seal is over: all but the seal itself."""
log = structlog.get_logger("gatehouse")


@dataclass(frozen=True)
class Anchor:
    """A place in an account's chain with the seal there, to be kept outside of the database."""

    sequence: int
    seal: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.seal}"

    @classmethod
    def read(cls, text: str) -> Anchor:
        """Return the anchor a text such as ``42:9f86…`` stands for.

        :raises Invalid: When it is none.
        """
        place, _, seal = text.strip().partition(":")
        if not (place.isascii() and place.isdigit() and len(place) < 19 and int(place) and seal):
            raise Invalid(say("An anchor looks like SEQUENCE:SEAL, such as 42:9f86d081…."))
        return cls(int(place), seal)


def head(account_id: str) -> Anchor | None:
    """Return the end of an account's chain as the account knows it; None: nothing is sealed."""
    query = select(Account.audit_sequence, Account.audit_seal).where(Account.id == account_id)
    row = db.session.execute(query).one()
    return Anchor(row.audit_sequence, row.audit_seal or "") if row.audit_sequence else None


def chain_key() -> bytes:
    """Return the key of the seals."""
    return derived_key(settings().secret_key, "audit chain")


def seal_of(key: bytes, previous: str | None, event: Mapping[str, Any]) -> str:
    """Return the seal of an event: HMAC-SHA256 (RFC 2104), hexadecimal.

    :param previous: The seal of the event before it; None: it is the first.
    :param event: The columns ``SEALED``.
    :raises ValueError, TypeError, RecursionError: When a value is none that the log can hold.
    """
    return hmac.new(key, f"{previous or ''}\n{canonical(event)}".encode(), sha256).hexdigest()


def canonical(event: Mapping[str, Any]) -> str:
    """Return what an event says as one text, the same whichever database it was read from.

    JSON in ASCII, keys in order, times in UTC with microseconds. A database may write a number in
    another way (``1e2`` as ``100``): whole ones are written without a fraction.
    """
    said = {name: _plain(event[name]) for name in SEALED}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))  # by its digits, not what binary makes of them
    return value


def seal_all() -> None:
    """Seal what is not sealed yet, of every account."""
    waiting = select(AuditEvent.id).where(
        AuditEvent.account_id == Account.id, AuditEvent.sequence.is_(None)
    )
    account_ids = db.session.scalars(select(Account.id).where(waiting.exists())).all()
    for account_id in account_ids:
        seal(account_id)


def seal(account_id: str) -> int:
    """Seal an account's events that are not sealed yet, and return how many.

    Who else seals at the same time takes nothing: a place in the chain is given once.
    """
    sealed = 0
    for _ in range(BATCHES):
        count = _seal_batch(account_id)
        sealed += count
        if count < BATCH:
            break
    end = head(account_id)
    db.session.rollback()
    if sealed and end:
        # Also an anchor: whoever changes the database later does not reach where this line went.
        log.info("audit sealed", account=account_id, sequence=end.sequence, seal=end.seal)
    return sealed


def _seal_batch(account_id: str) -> int:
    """Seal the next events; return how many, none when somebody else was quicker."""
    db.session.rollback()
    begin = head(account_id)
    places, counted = _places(account_id, begin)
    db.session.rollback()  # the seals are made; now to write them, quickly
    if not places:
        return 0
    try:
        with write_transaction():
            written = db.session.connection().execute(_SET_SEAL, places).rowcount
            audit_days.add(account_id, counted)
            # The account last: its row is what requests wait for.
            end = db.session.execute(
                update(Account)
                .where(
                    Account.id == account_id,
                    Account.audit_sequence == (begin.sequence if begin else 0),
                )
                .values(audit_sequence=places[-1]["place"], audit_seal=places[-1]["mac"])
                .returning(Account.id)
            )
            if written != len(places) or end.first() is None:
                db.session.rollback()
                return 0
    except IntegrityError:
        if head(account_id) == begin:
            raise
        return 0  # who was quicker saw other events, and gave them these places
    return len(places)


_SET_SEAL = (
    update(table(AuditEvent))
    .where(
        table(AuditEvent).c.account_id == bindparam("account"),
        table(AuditEvent).c.id == bindparam("event"),
        table(AuditEvent).c.sequence.is_(None),
    )
    .values(sequence=bindparam("place"), seal=bindparam("mac"))
)


def _places(
    account_id: str, begin: Anchor | None
) -> tuple[list[dict[str, Any]], Counter[audit_days.Kind]]:
    """Return what to write for the next events that are not sealed, and how many of each kind."""
    key = chain_key()
    place, mac = (begin.sequence, begin.seal) if begin else (0, None)
    query = (
        select(AuditEvent.__table__)
        .where(AuditEvent.account_id == account_id, AuditEvent.sequence.is_(None))
        .order_by(AuditEvent.id)
        .limit(BATCH)
        .execution_options(yield_per=100)  # an event may be large: never all of them at once
    )
    found = []
    counted: Counter[audit_days.Kind] = Counter()
    for row in db.session.execute(query):
        place += 1
        counted[row.at.date(), row.action, row.outcome] += 1
        mac = seal_of(key, mac, {**row._mapping, "sequence": place})
        found.append({"account": account_id, "event": row.id, "place": place, "mac": mac})
    return found, counted
