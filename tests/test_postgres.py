"""The database that tests share is for each of them as if it were new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, insert, inspect, text

from app.store.models import Account
from app.store.types import new_id

A_ROW = insert(Account.__table__).values(id=new_id(), name="Acme", name_key="acme")


@contextmanager
def connected(database) -> Iterator[Connection]:
    engine = create_engine(database.url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def state(database) -> tuple[object, ...]:
    """Return what is in the database, and what PostgreSQL knows of it."""
    with connected(database) as connection:
        accounts = connection.scalar(text("SELECT count(*) FROM accounts"))
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        known = connection.scalar(text("SELECT sum(reltuples) FROM pg_class WHERE relkind = 'r'"))
        tables = inspect(connection)
        columns = [each["name"] for each in tables.get_columns("accounts")]
        return accounts, version, known, columns, tables.get_table_names()


@pytest.mark.parametrize(
    "change",
    [
        None,
        "ANALYZE accounts",
        "CREATE TABLE more (id integer)",
        "ALTER TABLE accounts ADD COLUMN more integer",
        "UPDATE alembic_version SET version_num = 'older'",
        "DROP TABLE alembic_version",
    ],
)
def test_what_a_test_did_is_undone(postgres_database, change):
    postgres_database.renew()
    before = state(postgres_database)
    with connected(postgres_database) as connection:
        connection.execute(A_ROW)
        if change:
            connection.execute(text(change))
        connection.commit()
    postgres_database.renew()
    assert state(postgres_database) == before


def test_a_transaction_that_was_left_open_is_not_waited_for(postgres_database):
    postgres_database.renew()
    before = state(postgres_database)
    engine = create_engine(postgres_database.url)
    left = engine.connect()
    left.execute(A_ROW)
    postgres_database.renew()
    assert state(postgres_database) == before
    left.invalidate()
    engine.dispose()
