"""On which connection a prepared statement runs.

A read outside of any transaction stands for itself; those in :func:`reading` see one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g
from sqlalchemy.exc import DBAPIError

from app.store.database import db
from app.store.driver import Driver, Parameters, is_of_thread, of_thread


def here() -> Driver:
    """Return the connection of the transaction there is, or else the one this thread reads with."""
    known = g._get_current_object().__dict__
    found: Driver | None = known.get("writing")
    if found is not None:
        return found
    if "has_session" in known and (session := db.session()).in_transaction():
        return Driver(db.engine, session.connection().connection.dbapi_connection)
    engine = known.get("engine")
    if engine is None:
        engine = known["engine"] = db.engine  # which takes a while to look up
    return of_thread(engine)


def rows_of(driver: Driver, statement: str, parameters: Parameters) -> list[Any]:
    """Return the rows a statement finds.

    A connection this thread reads with may have been lost since it was last used: then once more
    on a new one, as nothing has been written.
    """
    try:
        return driver.query(statement, parameters)
    except DBAPIError:
        if not is_of_thread(driver) or "writing" in g or not driver.is_lost:
            raise
        return here().query(statement, parameters)


@contextmanager
def reading() -> Iterator[None]:
    """Enclose reads that must see one state of the database. A transaction around it does so too.

    On PostgreSQL each statement sees what is committed when it begins, here as elsewhere.
    """
    driver = here()
    if driver.kind != "sqlite" or driver.connection.in_transaction:
        yield
        return
    driver.connection.execute("BEGIN")
    try:
        yield
    finally:
        driver.connection.execute("COMMIT")
