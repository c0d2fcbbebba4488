"""What providers export, for the tests, and reports on it."""

from __future__ import annotations

import io
import sqlite3
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.directory import operations
from app.directory.drift import reading, scim, start
from app.directory.drift.reading import look_through
from app.directory.work import Actor
from app.lists import drift as lists
from app.operations import carry_on
from app.store.models import Operation
from tests.conftest import CLI_ACTOR, write
from tests.inspection import row


def begin(account_id: str, connection_id: str, text: str, actor: Actor = CLI_ACTOR) -> str:
    """Take an export in, and return the id of the report, which waits."""
    export = look_through("people.csv", io.BytesIO(text.encode()))
    with export.lines, write(account_id, actor) as work:
        return start.start(work, connection_id, export)


def run(account_id: str, operation_id: str) -> Any:
    """Carry a report on to its end, and return the row of the operation."""
    operation = operations.claim(account_id, operation_id)
    assert operation is not None
    carry_on(operation)
    done = row(Operation, id=operation_id)
    assert done.state == "done", done.error
    return done


def report(account_id: str, connection_id: str, text: str, actor: Actor = CLI_ACTOR) -> Any:
    """Compare an export, and return the row of the operation."""
    return run(account_id, begin(account_id, connection_id, text, actor))


def fixed(account_id: str, report_id: str, actor: Actor = CLI_ACTOR, **options: Any) -> Any:
    """Mend what a report has found, and return the row of the operation."""
    with write(account_id, actor) as work:
        fix_id = start.fix(work, report_id, **options)
    return run(account_id, fix_id)


def found(operation: Any) -> dict[str, dict[str, Any]]:
    """What a report found: by kind, the people with what differs."""
    by_kind: dict[str, dict[str, Any]] = {}
    for each in lists.rows(operation.account_id, operation.id, limit=1000):
        by_kind.setdefault(each["kind"], {})[each["name"]] = each["changes"]
    return by_kind


class WithoutRoom(sqlite3.Connection):
    """A database that says what SQLite does where the system finds no room for a page."""

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if not sql.startswith("INSERT"):
            return super().execute(sql, *args)
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error


def fill_the_disk(patch: pytest.MonkeyPatch, module: ModuleType = reading) -> None:
    """Let there be no room for a module's temporary files, nor for a temporary database."""
    patch.setattr(module, "TemporaryFile", partial(Path.open, Path("/dev/full"), "r+b"))
    patch.setattr(scim.sqlite3, "connect", partial(sqlite3.connect, factory=WithoutRoom))
