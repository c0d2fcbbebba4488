"""What a copy of the database is compared by: its revision, its rows, its sealed chains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import Connection as OfDatabase
from sqlalchemy import Select, inspect, select, text
from sqlalchemy.exc import DatabaseError

from app.security.secrets import SealError, unseal
from app.settings import Settings
from app.store.database import MIGRATIONS, close_database, db, init_database
from app.store.models import (
    Account,
    Connection,
    ConnectionKey,
    EventStream,
    SigningKey,
    TotpDevice,
)
from app.upkeep import UpkeepError

ANOTHER_KEY = (
    "The secret key does not open what is stored: it is not the one the data was written with."
)


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


def revision(connection: OfDatabase) -> str | None:
    """Return the revision of the tables; None: there are none of ours."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def is_known(wanted: str) -> bool:
    """Tell whether a revision is one that this version of Gatehouse has, or has had."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS))
    return wanted in {each.revision for each in script.walk_revisions()}


def rows(connection: OfDatabase) -> dict[str, int]:
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


def opened(secret_key: str) -> list[bool]:
    """Tell of one key or secret of each kind, as far as there is one, whether a secret key opens
    it: of the keys the newest."""
    some = (
        select(SigningKey.id, SigningKey.sealed_key).order_by(SigningKey.created_at.desc()),
        select(ConnectionKey.connection_id, ConnectionKey.sealed_key).order_by(
            ConnectionKey.created_at.desc()
        ),
        select(TotpDevice.id, TotpDevice.sealed_secret),
    )
    rows = [row for query in some if (row := db.session.execute(query.limit(1)).first())]
    return [_opens(secret_key, *row) for row in rows]


def lost_connection_keys(secret_key: str) -> list[tuple[str, str]]:
    """Return the connections whose current key was sealed with another secret key: the names of
    the account and its connection."""
    query = (
        select(Account.name, Connection.name, ConnectionKey.connection_id, ConnectionKey.sealed_key)
        .join(Account, Account.id == ConnectionKey.account_id)
        .join(
            Connection,
            (Connection.account_id == ConnectionKey.account_id)
            & (Connection.id == ConnectionKey.connection_id),
        )
        .where(ConnectionKey.state == "current")
    )
    return _lost(secret_key, query.order_by(Account.name, Connection.name))


def lost_headers(secret_key: str) -> list[tuple[str, str]]:
    """Return the streams that push nothing, as their header was sealed with another secret key: the
    names of the account and its stream."""
    query = (
        select(Account.name, EventStream.name, EventStream.id, EventStream.sealed_authorization)
        .join(Account, Account.id == EventStream.account_id)
        .where(
            EventStream.delivery == "push",
            EventStream.status == "enabled",
            EventStream.sealed_authorization.is_not(None),
        )
    )
    return _lost(secret_key, query.order_by(Account.name, EventStream.name))


def _lost(secret_key: str, query: Select[*tuple[Any, ...]]) -> list[tuple[str, str]]:
    rows = db.session.execute(query)
    return [(account, name) for account, name, *sealed in rows if not _opens(secret_key, *sealed)]


def wrong_key(secret_key: str) -> str | None:
    """Return a sentence when a secret key is not the one that the data was written with."""
    return what_is_wrong(opened(secret_key))


def refuse_another_key(secret_key: str) -> None:
    """Fail before people are refused by codes that nothing opens, and logs are sealed with it.

    Where the key is lost for good, what is made with the new one (docs/disaster.md) lets it serve.

    :raises UpkeepError: When a secret key opens nothing of what is stored.
    """
    found = opened(secret_key)
    if not any(found) and (reason := what_is_wrong(found)):
        raise UpkeepError(f"{reason} Bring that one back; if it is lost: docs/disaster.md.")


def what_is_wrong(found: list[bool]) -> str | None:
    """Return a sentence when what :func:`opened` has found is that the secret key is another one.

    Where nothing is sealed, the seals of the audit logs tell.
    """
    if found:
        return None if all(found) else ANOTHER_KEY
    from app.directory import audit_check

    told = False
    for account_id in db.session.scalars(select(Account.id)).all():
        if fits := audit_check.newest_fit(account_id):
            return None  # One whose seals fit is enough.
        told |= fits is not None
    return f"Audit log: {audit_check.WRONG_KEY}." if told else None


def _opens(secret_key: str, purpose: str, sealed: str) -> bool:
    try:
        unseal(secret_key, purpose, sealed)
    except SealError:
        return False
    return True


def broken_chains() -> list[str]:
    """Return what is wrong with the audit logs of all accounts, a sentence each."""
    from app.directory import accounts, audit_check

    return [
        f"audit log of account {name!r}: {finding}"
        for account_id, name in accounts.listed()
        for finding in audit_check.check(account_id).findings
    ]
