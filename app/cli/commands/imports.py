"""``gatehouse import``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import actor, json_option, plain, show, with_app

if TYPE_CHECKING:
    from app.directory.imports.start import File, Options
    from app.directory.operations import Operation

Move = Callable[[int, int, int], None]
REFUSED = 1
"""The exit code when not everything could be done."""
STOPPED = 130
LOOK_EVERY = 0.5
"""How often the bar looks at what another process does, in seconds."""
SHOWN = 10
"""How many of the rows that were refused are printed."""


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", help="Name or id; not needed when there is just one.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, and change nothing.")
@click.option(
    "--groups",
    type=click.Choice(["add", "exactly", "ignore"]),
    default="add",
    show_default=True,
    help="Put people into the groups of their row; exactly: and out of others the file names.",
)
@click.option(
    "--create-groups/--no-create-groups", default=True, help="Make groups that are not there."
)
@click.option(
    "--problems",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the rows that were refused to this CSV file.",
)
@json_option
@with_app
def import_(
    file: Path,
    account: str | None,
    dry_run: bool,
    groups: str,
    create_groups: bool,
    problems: Path | None,
    as_json: bool,
) -> None:
    """Add and change the people of a CSV FILE, and put them into groups.

    Stopped in the middle, the same command goes on where it was. It ends in 1 when rows were
    refused.
    """
    from app.directory import accounts
    from app.directory.imports.start import Options, look_through

    account_id = accounts.only_one() if account is None else accounts.find(account)
    options = Options(groups=groups, create_groups=create_groups, trial=dry_run)
    with file.open("rb") as stream:
        operation_id = _begin(account_id, look_through(file.name, stream), options)
    try:
        _carry_on(account_id, operation_id)
    except KeyboardInterrupt:
        click.echo("Stopped. What is done stays; the same command goes on from here.", err=True)
        sys.exit(STOPPED)
    _tell(account_id, operation_id, problems, as_json)


def _begin(account_id: str, file: File, options: Options) -> str:
    """Return the operation: a new one, or the one that was stopped."""
    from app.directory.imports import start
    from app.directory.work import transaction

    stopped = start.unfinished(account_id, file, options)
    if stopped is not None:
        click.echo("Going on where it was stopped.", err=True)
        return stopped
    with transaction(account_id, actor()) as work:
        return start.start(work, file, options)


def _carry_on(account_id: str, operation_id: str) -> None:
    """Carry the import on to its end, with a bar; where another process does, look on."""
    from app.directory import operations
    from app.lists import operations as lists
    from app.operations import carry_on

    with _bar() as move:
        while True:
            found = lists.one(account_id, operation_id)
            if found is None or found["state"] not in ("waiting", "running"):
                return
            move(found["done"], found["total"], found["options"]["rows"])
            operation = operations.claim(account_id, operation_id)
            if operation is None:  # Who began it works on it still, or has just been killed.
                time.sleep(LOOK_EVERY)
                continue
            operation.watch = partial(_moved, move, found["options"]["rows"])
            try:
                carry_on(operation)
            except KeyboardInterrupt:
                operations.release(operation)
                raise


def _moved(move: Move, rows: int, operation: Operation) -> None:
    move(operation.done, operation.total, rows)


@contextmanager
def _bar() -> Iterator[Move]:
    """Show a bar, with how quick it is and how long it takes still.

    Yields the function that moves it: how much is done, of how much, and how many rows there are.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    begun: tuple[float, int] | None = None
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Groups", total=None, rate="")

        def move(done: int, total: int, rows: int) -> None:
            nonlocal begun
            at = time.monotonic()
            begun = begun or (at, done)
            rate = (done - begun[1]) / (at - begun[0]) if at > begun[0] else 0
            said = "People" if done < rows else "Who is in which group"
            bar.update(
                task, description=said, completed=done, total=total, rate=f"{rate:,.0f} rows/s"
            )

        yield move


def _tell(account_id: str, operation_id: str, problems: Path | None, as_json: bool) -> None:
    """Say what came of it, and end with the exit code that says the same."""
    from app.directory.imports.start import COUNTS
    from app.lists import operations as lists

    found = lists.one(account_id, operation_id)
    assert found is not None
    if problems is not None:
        with problems.open("w", encoding="utf-8", newline="") as lines:
            lines.writelines(lists.problems_as_csv(account_id, operation_id))
    counts = dict.fromkeys(COUNTS, 0) | found["counts"]
    result = {"id": operation_id, "state": found["state"], "error": found["error"], **counts}
    told = [_summary(found, counts)]
    if ignored := found["options"]["form"]["ignored"]:
        told.append(plain(f"Columns that are not read: {', '.join(ignored)}."))
    for each in lists.problems(account_id, operation_id, limit=SHOWN):
        column = f", {each['column']}" if each["column"] else ""
        told.append(plain(f"  line {each['line']}{column}: {each['reason']}"))
    show(result, as_json, "\n".join(told))
    if found["state"] != "done" or counts["refused"] or counts["partly"]:
        sys.exit(REFUSED)


def _summary(found: dict[str, Any], counts: dict[str, int]) -> str:
    """Return what came of an import, in a few sentences."""
    said = "Nothing was changed. It would have" if found["options"]["trial"] else "It has"
    if found["state"] == "failed":
        said = f"It stopped: {plain(found['error'])} Until then it has"
    elif found["state"] == "cancelled":
        said = "It was cancelled. Until then it has"
    people = (
        f"added {counts['created']} people, changed {counts['updated']}, "
        f"left {counts['unchanged']} as they were, and refused {counts['refused']} rows"
    )
    groups = (
        f"{counts['groups']} groups are new, {counts['joined']} memberships came, "
        f"{counts['left']} went"
    )
    partly = counts["partly"]
    beside = f"; of {partly} rows not all groups could be given" if partly else ""
    return f"{said} {people}. {groups}{beside}."


COMMANDS = [import_]
