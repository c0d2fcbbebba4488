"""How Alembic reaches the database: through the application that is running it.

On PostgreSQL people go on working meanwhile. Each migration is a transaction of its own, and waits
for a lock for a moment only: who waits for one makes all wait who come later. Then it tries again.
"""

import time

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

import app.store.models  # noqa: F401 - the tables must be known
from app.store.database import db, keys_unchecked

PATIENT = "SET lock_timeout = 0; SET statement_timeout = 0"
LOCK = "SET lock_timeout = '2s'"
TRIES = 60
REST = 1.0
"""Before it tries again, in seconds: those who waited get their turn."""
ONE_AT_A_TIME = "SELECT pg_advisory_lock(7274)"
"""Several processes may be started at once and each migrate first. It ends with the connection."""
NO_LOCK = "55P03"


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        transaction_per_migration=connection.dialect.name == "postgresql",
    )
    with keys_unchecked(connection), context.begin_transaction():
        context.run_migrations()


def migrate_beside_others(connection: Connection) -> None:
    connection.exec_driver_sql(PATIENT)
    connection.exec_driver_sql(ONE_AT_A_TIME)
    connection.exec_driver_sql(LOCK)
    connection.commit()
    for tried in range(1, TRIES + 1):
        try:
            migrate(connection)
            return
        except OperationalError as error:
            connection.rollback()
            if getattr(error.orig, "sqlstate", None) != NO_LOCK or tried == TRIES:
                raise
        time.sleep(REST)


with db.engine.connect().execution_options(gatehouse_write=True) as connection:
    if connection.dialect.name == "postgresql":
        migrate_beside_others(connection)
        connection.invalidate()  # Its lock, and how long it waits, are for nobody else.
    else:
        migrate(connection)
