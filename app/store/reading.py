"""On which connection a prepared statement runs.

A read outside of any transaction stands for itself; those in :func:`reading` see one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from flask import g
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.store.database import db
from app.store.driver import Driver, Parameters


class _OfThread(local):
    """The connection a thread reads with, kept from one request to the next."""

    driver: Driver | None = None
    owner: Any = None
    """What closes it, at the latest when the thread ends."""
    pool: Any = None
    """Another one has taken its place when the database was closed."""


_thread = _OfThread()


def here() -> Driver:
    """Return the connection of the transaction there is, or else the one this thread reads with."""
    found: Driver | None = g._get_current_object().__dict__.get("writing")
    if found is not None:
        return found
    if db.session.registry.has() and (session := db.session()).in_transaction():
        return Driver(db.engine, session.connection().connection.driver_connection)
    found = _thread.driver
    engine = db.engine
    if found is None or _thread.pool is not engine.pool or found.is_lost:
        return _check_out(engine)
    return found


def rows_of(driver: Driver, statement: str, parameters: Parameters) -> list[Any]:
    """Return the rows a statement finds.

    A connection this thread reads with may have been lost since it was last used: then once more
    on a new one, as nothing has been written.
    """
    try:
        return driver.query(statement, parameters)
    except DBAPIError:
        if driver is not _thread.driver or not driver.is_lost:
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


def _check_out(engine: Engine) -> Driver:
    if _thread.owner is not None:
        _thread.owner.close()
        _thread.driver = _thread.owner = None
    owner: Any = engine.raw_connection()
    owner.detach()  # It commits by itself, so it must never serve a session.
    driver = Driver(engine, owner.dbapi_connection)
    if driver.kind != "sqlite":
        driver.connection.autocommit = True
    _thread.driver, _thread.owner, _thread.pool = driver, owner, engine.pool
    return driver
