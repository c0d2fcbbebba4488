"""How many requests those who ask much have made of all processes together."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Integer, bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite

from app.security import limits
from app.security.limits import MINUTE
from app.security.secrets import digest
from app.store.database import db, table, write_transaction
from app.store.models import RequestCount

KEPT_MINUTES = 2


class Exchange:
    """What one process tells the others, and hears from them."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        """How many events of a caller, in this minute, are counted here already."""
        self._minute = 0

    def once(self) -> int:
        """Tell what happened here, count what happened elsewhere; return how many callers it was.

        Of those who ask little nothing is written.
        """
        told = limits.tell()
        if not told:
            return 0
        minute = int(time.time() // MINUTE)
        if minute != self._minute:
            self._known, self._minute = {}, minute
        with write_transaction():
            totals = [self._total(digest(each.caller), minute, each.events) for each in told]
        for each, total in zip(told, totals, strict=True):
            limits.add(each.counter, total - self._known.get(each.caller, 0) - each.events)
            self._known[each.caller] = total
        return len(told)

    @staticmethod
    def _total(key: str, minute: int, events: int) -> int:
        found: int = db.session.scalar(_added(), {"key": key, "minute": minute, "events": events})
        return found


def forget_old() -> None:
    """Delete the counts of minutes that are over."""
    counts = table(RequestCount)
    minute = int(time.time() // MINUTE)
    with write_transaction():
        # Those of a later minute were written before the clock was put back.
        over = (counts.c.minute < minute - KEPT_MINUTES) | (counts.c.minute > minute + KEPT_MINUTES)
        db.session.execute(delete(counts).where(over))


def _added() -> Any:
    """Return the statement that adds events to a count, and answers how many there are now."""
    counts = table(RequestCount)
    events = bindparam("events", type_=Integer)
    insert: Any = sqlite.insert if db.engine.dialect.name == "sqlite" else postgresql.insert
    added = insert(counts).values(key=bindparam("key"), minute=bindparam("minute"), events=events)
    return added.on_conflict_do_update(
        index_elements=["key", "minute"], set_={"events": counts.c.events + added.excluded.events}
    ).returning(counts.c.events)
