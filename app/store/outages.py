"""Which errors say that the database could not be had for a moment, not that something is wrong.

Who is told of one may ask again: nothing of the transaction was kept, unless the connection broke
off at its very end.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

LEFT = frozenset({"25006", "25P03"})
"""The SQLSTATEs of a server that only copies another one, as the one to write to has changed; and
of a connection it closed as nothing came within a transaction for too long."""
OVERTAKEN = frozenset({"40001", "40P01"})
"""The SQLSTATEs of a transaction that another one has overtaken, or that waits for one that waits
for it. It was undone, and succeeds when it is done once more."""


def is_outage(error: BaseException, engine: Engine) -> bool:
    """Tell whether an error says that the database could not be had: it is away, full or busy."""
    if isinstance(error, OperationalError | NoConnectionFree):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return is_left(error) or _is_of_driver(error, engine)


def is_left(error: BaseException) -> bool:
    """Tell whether the connection an error came from is of no use any more, though it is open."""
    return _state_of(error) in LEFT


def was_overtaken(error: BaseException) -> bool:
    """Tell whether a transaction that failed is to be done once more, as it is."""
    return _state_of(error) in OVERTAKEN


def _state_of(error: BaseException) -> str | None:
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state


def _is_of_driver(error: BaseException, engine: Engine) -> bool:
    """Tell whether the driver says so itself, where no session was there to say it."""
    driver: Any = engine.dialect.loaded_dbapi
    return isinstance(error, driver.OperationalError)
