"""What a copy of the database is compared by: its revision, its rows, its sealed chains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError

from app.settings import Settings
from app.store.database import MIGRATIONS, close_database, db, init_database


@contextmanager
def another_database(url: str, settings: Settings) -> Iterator[None]:
    """Let the block work on another database, such as a copy.

    :param settings: With the secret key that belongs to it.
    """
    app = Flask("gatehouse")
    app.extensions["gatehouse"] = replace(settings, database_url=url)
    init_database(app, url, 1, settings.database_seconds, serves=False)
    with app.app_context():
        try:
            yield
        finally:
            close_database()


def revision(connection: Connection) -> str | None:
    """Return the revision of the tables; None: there are none of ours."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def is_known(wanted: str) -> bool:
    """Tell whether a revision is one that this version of Gatehouse has, or has had."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS))
    return wanted in {each.revision for each in script.walk_revisions()}


def rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    quoted = connection.dialect.identifier_preparer.quote
    return {
        name: connection.execute(text(f"SELECT count(*) FROM {quoted(name)}")).scalar_one()  # noqa: S608
        for name in sorted(inspect(connection).get_table_names())
    }


def damages() -> list[str]:
    """Return what SQLite finds wrong with the structure of the file; always nothing elsewhere."""
    if db.engine.dialect.name != "sqlite":
        return []
    try:
        found = db.session.scalars(text("PRAGMA integrity_check(20)")).all()
        references = db.session.execute(text("PRAGMA foreign_key_check")).fetchmany(20)
    except DatabaseError as error:  # so damaged that it cannot be looked at
        return [str(error.orig)]
    finally:
        db.session.rollback()
    wrong = [f"a row of {each[0]} refers to one of {each[2]} that is gone" for each in references]
    return [str(each) for each in found if each != "ok"] + wrong


def broken_chains() -> list[str]:
    """Return what is wrong with the audit logs of all accounts, a sentence each."""
    from app.directory import accounts, audit_check

    return [
        f"audit log of account {name!r}: {finding}"
        for account_id, name in accounts.listed()
        for finding in audit_check.check(account_id).findings
    ]
