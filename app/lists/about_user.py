"""What the audit log tells of one user: how long they are active or not, what a provider wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from app.store.database import db
from app.store.models import AuditEvent

SWITCHES = ("user.created", "user.activated", "user.deactivated")
WRITES = ("user.created", "user.updated", "user.activated", "user.deactivated")
WRITES_READ = 100
"""Among how many of the latest writes of a provider its attributes are looked for."""


@dataclass(frozen=True)
class Standing:
    """Since when a user is as they are now, active or not, and who said so."""

    since: datetime
    by: str


def standing_of(account_id: str, user_id: str) -> Standing | None:
    """Return how long a user has been active, or has not; None where the log does not tell."""
    row = db.session.execute(_events(account_id, user_id, *SWITCHES).limit(1)).first()
    return None if row is None else Standing(row.at, row.actor_name)


def attributes_written(account_id: str, user_id: str, surface: str) -> list[str]:
    """Return the attributes of a user that a provider has written, by their SCIM names.

    :param surface: ``scim`` or ``saml``.
    """
    query = _events(account_id, user_id, *WRITES).where(AuditEvent.surface == surface)
    found = set()
    for row in db.session.execute(query.limit(WRITES_READ)):
        found |= {name for name, value in (row.after or {}).items() if value is not None}
    return sorted(found)


def _events(account_id: str, user_id: str, *actions: str) -> Select[*tuple[Any, ...]]:
    """Return the query of what happened to a user, the newest first."""
    return (
        select(AuditEvent.at, AuditEvent.actor_name, AuditEvent.after)
        .where(
            AuditEvent.account_id == account_id,
            AuditEvent.target_type == "user",
            AuditEvent.target_id == user_id,
            AuditEvent.action.in_(actions),
            AuditEvent.outcome == "success",
        )
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    )
