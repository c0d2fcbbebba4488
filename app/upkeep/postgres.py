"""Copies of a PostgreSQL database with its own programs, ``pg_dump`` and ``pg_restore``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from app.store.types import new_id
from app.upkeep import UpkeepError, inspection

BEFORE = "gatehouse_before_restore"
"""The schema that keeps what was there, until what was restored has proved to be whole."""
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def dump(url: str, target: Path) -> tuple[str | None, dict[str, int]]:
    """Dump the database into a file, as it is at one moment; others write meanwhile.

    Returns the revision and the rows of that very moment.
    """
    with _engine(url).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        _run(
            *("pg_dump", "--format=custom", "--compress=0", f"--snapshot={snapshot}"),
            *("--no-owner", "--no-privileges", f"--file={target}"),
            url=url,
        )
        return inspection.revision(connection), inspection.rows(connection)


def rows_in(dump: Path) -> dict[str, int]:
    """Return how many rows of each table are in a dump. No server is asked."""
    command = [_program("pg_restore"), "--data-only", "--file=-", str(dump)]
    found: dict[str, int] = {}
    with subprocess.Popen(  # noqa: S603 - no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        table: str | None = None
        for line in process.stdout:
            if table is not None:
                if line == b"\\.\n":
                    table = None
                else:
                    found[table] += 1
            elif line.startswith(b"COPY "):
                table = line.split()[1].decode().rpartition(".")[2].strip('"')
                found[table] = 0
        problem = process.stderr.read()
    if process.returncode:
        raise UpkeepError(f"pg_restore cannot read the dump: {_first_line(problem)}")
    return found


def is_empty(url: str) -> bool:
    """Tell whether there is nothing yet that restoring would overwrite."""
    with _engine(url).connect() as connection:
        return not inspect(connection).get_table_names()


@contextmanager
def restored(dump: Path, url: str) -> Iterator[None]:
    """Restore a dump, and let the block look at it; if it raises, what was there is back.

    :raises UpkeepError: When others are connected: what they wrote meanwhile would be lost.
    """
    with _engine(url).connect() as connection:
        _refuse_others(connection)
        _set_aside(connection)
        connection.commit()
        try:
            _fill(dump, url)
            yield
        except BaseException:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text(f"ALTER SCHEMA {BEFORE} RENAME TO public"))
            connection.commit()
            raise
        connection.execute(text(f"DROP SCHEMA {BEFORE} CASCADE"))
        connection.commit()


@contextmanager
def scratch_copy(dump: Path, url: str) -> Iterator[str]:
    """Restore a dump into a new database of the same server and yield its URL; it goes again.

    :raises UpkeepError: When the user may not make databases.
    """
    name = f"gatehouse_check_{new_id().replace('-', '')}"
    engine = _engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            connection.execute(text(f"CREATE DATABASE {name}"))
        except ProgrammingError as error:
            raise UpkeepError(
                "To check a backup, the user of the database must be allowed to make another one "
                f"(CREATEDB): {_first_line(str(error.orig))}"
            ) from None
        try:
            copy = make_url(url).set(database=name).render_as_string(hide_password=False)
            _fill(dump, copy)
            yield copy
        finally:
            with suppress(ProgrammingError):
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _refuse_others(connection: Connection) -> None:
    if others := connection.execute(text(OTHERS)).scalar_one():
        raise UpkeepError(
            f"Connected to the database beside this command: {others}. Stop every gatehouse serve, "
            "and whatever else is connected, then restore."
        )
    if BEFORE in inspect(connection).get_schema_names():
        raise UpkeepError(
            f"A restore was cut off: the schema {BEFORE} holds what was there before it. Drop "
            "that schema, or drop public and rename it to public; then restore."
        )


def _set_aside(connection: Connection) -> None:
    connection.execute(text(f"ALTER SCHEMA public RENAME TO {BEFORE}"))
    connection.execute(text("CREATE SCHEMA public"))
    connection.execute(text("GRANT USAGE ON SCHEMA public TO PUBLIC"))


def _fill(dump: Path, url: str) -> None:
    _run(
        *("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner"),
        *("--no-privileges", f"--dbname={make_url(url).database}", str(dump)),
        url=url,
    )
    with _engine(url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))


def _engine(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool, hide_parameters=True)


def _run(*command: str, url: str) -> None:
    """Run one of PostgreSQL's programs on a database. The password is not on its command line."""
    program, *options = command
    result = subprocess.run(  # noqa: S603 - no shell
        [_program(program), *options],
        env=os.environ | _as_libpq_reads_it(url),
        capture_output=True,
        check=False,
    )
    if result.returncode:
        raise UpkeepError(f"{program}: {_first_line(result.stderr)}")


def _as_libpq_reads_it(url: str) -> dict[str, str]:
    parts = make_url(url)
    found = {
        "PGHOST": parts.host,
        "PGPORT": parts.port and str(parts.port),
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
    }
    options = {f"PG{name.upper()}": str(value) for name, value in parts.query.items()}
    return options | {name: str(value) for name, value in found.items() if value}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UpkeepError(
            f"{name} is missing. Install PostgreSQL's client programs (Debian: postgresql-client)."
        )
    return found


def _first_line(said: bytes | str) -> str:
    text_ = said.decode(errors="replace") if isinstance(said, bytes) else said
    return next(iter(text_.strip().splitlines()), "no reason given")
