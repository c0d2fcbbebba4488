"""The connection to the database: one embedded default, one variable for PostgreSQL."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import Connection, Engine, MetaData, Table, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from app.settings import file_of
from app.store import driver, waiting
from app.store.driver import Driver, join, of_thread
from app.store.outages import is_left, is_outage
from app.store.types import comparison_key
from app.store.writers import Writers

MMAP_BYTES = 2**31 - 2**16
"""How much of the file SQLite reads without a call to the system: as much as it allows."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class _Session(Session):
    """Takes part in a write transaction as soon as it is asked for something in one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        g.has_session = True  # A statement that is prepared need not look for it otherwise.

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        writing: Driver | None = g.get("writing")
        if writing is None:
            return super().get_bind(*args, **options)
        if "joined" not in g:
            g.joined = join(writing)
        joined: Connection = g.joined
        return joined


class _Database(SQLAlchemy):
    def _teardown_session(self, exc: BaseException | None) -> None:
        if "has_session" in g:
            super()._teardown_session(exc)


db = _Database(
    model_class=Base,
    session_options={"class_": _Session, "expire_on_commit": False, "autoflush": False},
)
MIGRATIONS = Path(__file__).parent / "migrations"


def init_database(
    app: Flask, url: str, threads: int, seconds: int, *, serves: bool = False
) -> None:
    """Bind the application to its database. Nothing is connected yet.

    :param threads: How many serve requests at a time. Each may hold a connection of the pool, and
        keeps one of its own to read with (``app.store.reading``).
    :param seconds: How long others, or the way to the database, are waited for.
    :param serves: Whether it answers requests; a command may take its time with each statement.
    """
    address = make_url(url)
    options = waiting.engine_options(address, seconds)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "hide_parameters": True,  # An error that is logged must not show what people sent.
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "pool_pre_ping": not url.startswith("sqlite"),
        **options,
    }
    if address.database:  # One in memory has a single connection, which all share.
        app.config["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] = threads + 2
    app.extensions["gatehouse_writers"] = Writers()
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _prepare_sqlite(db.engine)
        if serves or db.engine.dialect.name == "sqlite":
            _bound_waits(db.engine, seconds)


def use_migrations() -> None:
    """Let Flask-Migrate find the migrations; a server that is up to date does without it."""
    from flask_migrate import Migrate

    Migrate(current_app, db, directory=str(MIGRATIONS))


def upgrade_database() -> None:
    """Bring the tables of the application's database up to date."""
    from flask_migrate import upgrade

    use_migrations()
    upgrade()


def file_of_database() -> Path | None:
    """Return the file of an SQLite database; None: it is another one, or in memory."""
    return file_of(db.engine.url)


def table(model: type[Base]) -> Table:
    """Return the table of a model: writing to it directly takes half of what the model takes."""
    return cast(Table, model.__table__)


def is_current() -> bool:
    """Tell whether the tables are those of this version of Gatehouse."""
    with db.engine.connect() as connection:
        if not connection.dialect.has_table(connection, "alembic_version"):
            return False
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return bool(found == newest_revision())


@cache
def newest_revision() -> str:
    """Return the revision of this version's tables: what the last migration's name begins with."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("0*.py")).partition("_")[0]


def close_database() -> None:
    """Give up every connection, as before another process takes over."""
    db.session.remove()
    driver.close()
    db.engine.dispose()


@contextmanager
def write_transaction() -> Iterator[None]:
    """Enclose writes: all is kept when the block ends, nothing when it raises.

    SQLite takes its one write lock at the start (``BEGIN IMMEDIATE``), so that a transaction that
    reads and then writes never fails half way because another one wrote in between.

    :raises RuntimeError: Within another one: its end would keep half of that one.
    :raises sqlalchemy.exc.TimeoutError: While nobody can write, and somebody else tries.
    """
    if "writing" in g:
        raise RuntimeError("a write transaction within another one")
    if "has_session" in g:
        db.session.rollback()
    writers: Writers = current_app.extensions["gatehouse_writers"]
    writers.enter()
    try:
        with _written():
            yield
        writers.succeeded()
        g.has_written = True  # so that what asked for it is not done once more
    except BaseException as error:
        writers.failed(error, db.engine)
        raise
    finally:
        writers.leave()


@contextmanager
def _written() -> Iterator[None]:
    writing = g.writing = _begun(db.engine)
    try:
        yield
        if "joined" in g:
            db.session.commit()  # which leaves the transaction to us
        writing.commit()
    except BaseException as error:
        _roll_back(writing)
        if is_left(error):
            driver.close()
        raise
    finally:
        del g.writing
        g.pop("joined", None)


def _begun(engine: Engine) -> Driver:
    """Return the connection of this thread, in a transaction that writes."""
    found = of_thread(engine)
    try:
        found.begin()
    except DBAPIError:
        if not found.is_lost:
            raise
        found = of_thread(engine)  # a new one
        found.begin()
    return found


def _roll_back(writing: Driver) -> None:
    try:
        if "joined" in g:
            db.session.rollback()
    finally:  # Otherwise whoever this thread serves next would be in this transaction.
        if not writing.is_lost:
            writing.connection.rollback()


def note(write: Callable[[], object]) -> None:
    """Write what nobody depends on, such as when a token was used last; where that cannot be
    written, it is left out, and who asked for something else is answered all the same."""
    writers: Writers = current_app.extensions["gatehouse_writers"]
    if writers.are_stuck:
        return
    try:
        with write_transaction():
            write()
    except Exception as error:
        if not is_outage(error, db.engine):
            raise


@contextmanager
def savepoint() -> Iterator[None]:
    """Enclose a part of a write transaction: nothing of it is kept when it raises."""
    with db.session.begin_nested():
        # The session begins it only when it is asked for something itself, and prepared
        # statements do not ask it.
        db.session.connection()
        yield


@contextmanager
def keys_unchecked(connection: Connection) -> Iterator[None]:
    """Leave foreign keys unchecked while tables are rebuilt, as SQLite changes a table.

    Dropping a table would otherwise delete the rows that refer to it. It must enclose the whole
    transaction: within one, SQLite does not listen.
    """
    raw = connection.connection.dbapi_connection
    if raw is None or connection.dialect.name != "sqlite":
        yield
        return
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one.

    SQLite, which would let everybody read it, gives the files beside it the same mode.
    """
    with suppress(OSError):  # SQLite says it better.
        # Never one that is there: to close that would take SQLite's locks away.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the file of an SQLite database, and those that SQLite has beside it at times."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def keep_private(path: Path) -> None:
    """Let only its owner read an SQLite database, such as one of a version that let others.

    What belongs to somebody else stays as it is: ``gatehouse doctor`` tells.
    """
    for each in files_of(path):
        with suppress(OSError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _prepare_sqlite(engine: Engine) -> None:
    if path := file_of(engine.url):

        @event.listens_for(engine, "do_connect")
        def make(*_: Any) -> None:
            make_private(path)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver must not open transactions of its own: `begin` below does.
        connection.isolation_level = None
        connection.create_function("comparison_key", 1, _sql_key, deterministic=True)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # Read by way of the system's cache, which all connections share, and not of their own.
            "cache_size=-16384",
            f"mmap_size={MMAP_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("gatehouse_begun"):
            return
        write = options.get("gatehouse_write")
        raw: Any = connection.connection.driver_connection  # the shorter way, on every request
        raw.execute("BEGIN IMMEDIATE" if write else "BEGIN")


def _bound_waits(engine: Engine, seconds: int) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        if engine.dialect.name != "sqlite":
            connection.autocommit = True  # A transaction that is rolled back would take them along.
        for statement in waiting.statements(engine.dialect.name, seconds):
            connection.execute(statement)
        if engine.dialect.name != "sqlite":
            connection.autocommit = False


def _sql_key(value: Any) -> Any:
    return comparison_key(value) if isinstance(value, str) else value
