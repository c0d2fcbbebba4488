"""What a provider fills by the thousand, for the database to know how much there is."""

from __future__ import annotations

from app.store.bulk import analyze_grown
from app.store.database import table
from app.store.models import (
    AuditEvent,
    Group,
    Membership,
    OutgoingEvent,
    ProvisioningEntry,
    User,
    UserValue,
)

_FILLED = (User, UserValue, Group, Membership, AuditEvent, OutgoingEvent, ProvisioningEntry)


def notice(rows: int) -> None:
    """Let the database look at the tables that have grown by much; not within a write.

    :param rows: How many have just been written, about.
    """
    analyze_grown(map(table, _FILLED), rows)
