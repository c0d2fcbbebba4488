"""A long operation that the command carries on itself, with a bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from app.cli.group import plain

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from app.directory.operations import Operation

Move = Callable[[int, int, str], None]
Doing = Callable[[dict[str, Any], int], str]
"""Says what is being done: by the operation's options, and how much is done."""
STOPPED = 130
"""The exit code of a command that was stopped."""
LOOK_EVERY = 0.5
"""How often the bar looks at what another process does, in seconds."""


def carry_to_end(account_id: str, operation_id: str, doing: Doing) -> None:
    """Carry an operation on to its end, with a bar; where another process does, look on.

    :raises KeyboardInterrupt: When it is stopped. Then it waits to be carried on.
    """
    from app.directory import operations
    from app.lists import operations as lists
    from app.operations import carry_on

    with _bar() as move:
        while True:
            found = lists.one(account_id, operation_id)
            if found is None or found["state"] not in ("waiting", "running"):
                return
            move(found["done"], found["total"], doing(found["options"], found["done"]))
            operation = operations.claim(account_id, operation_id)
            if operation is None:  # Who began it works on it still, or has just been killed.
                time.sleep(LOOK_EVERY)
                continue
            operation.watch = partial(_moved, move, doing)
            try:
                carry_on(operation)
            except KeyboardInterrupt:
                operations.release(operation)
                raise


def refused(account_id: str, operation_id: str, limit: int) -> list[str]:
    """Return what an operation could not do, in lines: where in the file, about whom, and why."""
    from app.lists import operations as lists

    lines = []
    for each in lists.problems(account_id, operation_id, limit=limit):
        where = ", ".join(filter(None, (f"line {each['line']}", each["name"], each["column"])))
        lines.append(plain(f"  {where}: {each['reason']}"))
    return lines


def _moved(move: Move, doing: Doing, operation: Operation) -> None:
    move(operation.done, operation.total, doing(operation.options, operation.done))


def bar_of(*columns: ProgressColumn) -> Progress:
    """Return a bar beside what is printed; where nobody looks at a terminal it says nothing."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # To what is no terminal it would write an empty line as it ends.
    return Progress(*columns, console=console, transient=True, disable=not console.is_interactive)


@contextmanager
def _bar() -> Iterator[Move]:
    """Show a bar, with how quick it is and how long it takes still.

    Yields the function that moves it: how much is done, of how much, and what is being done.
    """
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    begun: tuple[float, int] | None = None
    with bar_of(*columns) as bar:
        task = bar.add_task("Groups", total=None, rate="")

        def move(done: int, total: int, said: str) -> None:
            nonlocal begun
            at = time.monotonic()
            begun = begun or (at, done)
            rate = (done - begun[1]) / (at - begun[0]) if at > begun[0] else 0
            bar.update(
                task, description=said, completed=done, total=total, rate=f"{rate:,.0f} rows/s"
            )

        yield move
