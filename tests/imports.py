"""Files of people for the tests, and imports of them."""

from __future__ import annotations

import io
from typing import Any

from app.directory import operations
from app.directory.imports import start
from app.directory.imports.start import Options
from app.directory.work import Actor
from app.operations import carry_on
from app.store.models import Operation, OperationProblem
from tests.conftest import CLI_ACTOR, write
from tests.inspection import row, rows

CONSOLE = Actor(type="system", name="tests", surface="console")
"""Somebody whose imports the server carries on."""
HEAD = "userName,displayName,email,externalId,active,title,groups"


def begin(account_id: str, text: str, actor: Actor = CLI_ACTOR, **options: Any) -> str:
    """Take a file in, and return the id of the import, which waits."""
    file = start.look_through("people.csv", io.BytesIO(text.encode()))
    with write(account_id, actor) as work:
        return start.start(work, file, Options(**options))


def run(account_id: str, operation_id: str) -> Any:
    """Carry an import on to its end, and return its row."""
    operation = operations.claim(account_id, operation_id)
    assert operation is not None
    carry_on(operation)
    return row(Operation, id=operation_id)


def imported(account_id: str, text: str, actor: Actor = CLI_ACTOR, **options: Any) -> Any:
    """Import a file, and return the row of the operation."""
    return run(account_id, begin(account_id, text, actor, **options))


def counts(operation: Any) -> dict[str, int]:
    """What came of an import, without what did not happen."""
    return {name: count for name, count in operation.counts.items() if count}


def problems(operation: Any) -> list[tuple[int, str | None, str]]:
    """The line, the column and the reason of each row that was refused."""
    found = rows(OperationProblem, operation_id=operation.id)
    return [(each.line, each.column, each.reason) for each in found]


def a_file(people: int, *, groups: int = 7, each: int = 2) -> str:
    """A file of people, each in some groups, the same ones every time."""
    lines = [HEAD]
    for number in range(people):
        names = ";".join(f"Group {(number * each + n) % groups}" for n in range(each))
        name = f"person{number}"
        lines.append(f"{name},Person {number},{name}@example.com,E{number},,Tester,{names}")
    return "\n".join(lines) + "\n"
