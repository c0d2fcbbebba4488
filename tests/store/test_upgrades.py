"""Upgrades from every earlier revision, with data, beside people who work, and twice at once."""

from __future__ import annotations

import ast
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask_migrate import check, downgrade
from sqlalchemy import Engine, MetaData, create_engine, inspect, select, text

from app.store import online
from app.store.database import MIGRATIONS, db, upgrade_database, use_migrations
from tests.api.v1.world import ids_of_everything
from tests.conftest import SECRET_KEY
from tests.e2e.server import GATEHOUSE
from tests.factories import a_user

FILES = sorted((MIGRATIONS / "versions").glob("0*.py"))
REVISIONS = [path.name.partition("_")[0] for path in FILES]
LONG = 12.0
"""For how long somebody reads while the tables are changed, in seconds."""
LONGEST = 8.0
"""How long others may have to wait meanwhile; a queue would take as long as the reader."""
READ = text("SELECT * FROM accounts")
WRITE = text("UPDATE users SET display_name_key = 'one'")
ANOTHER_WRITE = text("UPDATE accounts SET scim_epoch = scim_epoch + 1")
WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
)
MOVED = {
    ("connections", "settings"): "0003 takes the key of a connection out of it",
}
"""Columns of which a migration changes what they say."""
INDEXED_BEFORE = "0014"
"""The last migration of those that made indexes in one go: there was no release before them."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based"),
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
]


@pytest.fixture(autouse=True)
def migrations(app):
    use_migrations()


def contents() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table there is, by the names of the columns there are."""
    db.session.rollback()
    found = MetaData()
    with db.engine.connect() as connection:
        found.reflect(connection)
        return {
            table.name: [
                dict(row._mapping)
                for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_upgrade_keeps_every_row(account, revision):
    ids_of_everything(account)
    db.session.rollback()
    downgrade(revision=revision)
    before = contents()
    assert len(before["users"]) > 3 and before["audit_events"]
    upgrade_database()
    after = contents()
    for table, rows in before.items():
        assert len(after[table]) >= len(rows), table
        kept = [name for name in after[table][0] if (table, name) not in MOVED] if rows else []
        for name in set(kept) & set(rows[0] if rows else ()):
            assert [row[name] for row in after[table]] == [row[name] for row in rows], (table, name)
    check()


def upgrading() -> subprocess.Popen[bytes]:
    """Begin to upgrade, as the command does."""
    url = db.engine.url.render_as_string(hide_password=False)
    ours = {"GATEHOUSE_DATABASE_URL": url, "GATEHOUSE_SECRET_KEY": SECRET_KEY}
    return subprocess.Popen([GATEHOUSE, "db", "upgrade"], env=os.environ | ours)


def test_several_at_once_upgrade_once(account):
    db.session.rollback()
    downgrade(revision="0009")
    several = [upgrading() for _ in range(3)]
    assert [each.wait(timeout=90) for each in several] == [0] * 3
    check()


def test_people_go_on_while_the_tables_change(account):
    """Somebody reads for long what a migration changes: it waits, and the others do not."""
    db.session.rollback()
    downgrade(revision="0009")
    engine = create_engine(db.engine.url)
    with engine.connect() as reader:
        reader.execute(READ).all()  # and stays in its transaction
        upgrade, slowest = upgrading(), 0.0
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            at = time.monotonic()
            with engine.connect() as other:
                other.execute(READ).all()
            slowest = max(slowest, time.monotonic() - at)
        if engine.dialect.name == "postgresql":
            assert upgrade.poll() is None
        reader.rollback()
        assert upgrade.wait(timeout=90) == 0
    engine.dispose()
    assert slowest < LONGEST
    check()


def test_later_migrations_make_indexes_while_people_write():
    """An index of a table that is there already is made by ``online.create_index``."""
    for file in FILES:
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        makes = "create_index" in calls and "create_table" not in calls
        assert not makes or file.name.partition("_")[0] <= INDEXED_BEFORE, file.name


def test_an_index_is_made_while_people_write(app, account):
    a_user(account)
    engine = create_engine(db.engine.url)
    with ThreadPoolExecutor(1) as pool:
        if engine.dialect.name == "sqlite":  # It has one writer, and takes a moment.
            pool.submit(_make_index, engine).result(timeout=60)
        else:
            with engine.connect() as busy:
                busy.execute(WRITE)  # Its transaction has not ended when the index is begun.
                making = pool.submit(_make_index, engine)
                with engine.connect() as other:
                    while not other.execute(WAITS).scalar():
                        assert not making.done(), making.result()
                        other.rollback()  # Within a transaction it would see the same again.
                    other.execute(text("SET lock_timeout = '5s'"))
                    other.execute(ANOTHER_WRITE)
                    other.commit()
                assert not making.done()
                busy.commit()
            making.result(timeout=60)
    indexes = inspect(db.engine).get_indexes("users")
    assert [each["column_names"] for each in indexes if each["name"] == "ix_online"] == [
        ["display_name_key"]
    ]
    engine.dispose()


def _make_index(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            online.create_index("ix_online", "users", ["display_name_key"])
