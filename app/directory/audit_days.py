"""How many audit events of each kind there were, day by day, so that nobody has to count them.

The job that seals the events adds them; ``app.lists.activity`` shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from app.store.database import db, table
from app.store.models import AuditDay

Kind = tuple[date, str, str]
"""The day in UTC, the action and the outcome."""


def add(account_id: str, counted: Mapping[Kind, int]) -> None:
    """Add to the numbers of an account, within the transaction that seals the events."""
    rows = [
        {"account_id": account_id, "day": day, "action": action, "outcome": outcome, "events": more}
        for (day, action, outcome), more in sorted(counted.items())
    ]
    is_sqlite = db.session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite.insert if is_sqlite else postgresql.insert
    statement = insert(table(AuditDay))
    more = AuditDay.events + statement.excluded.events
    keys = [column.name for column in table(AuditDay).primary_key]
    statement = statement.on_conflict_do_update(index_elements=keys, set_={"events": more})
    db.session.execute(statement, rows)
