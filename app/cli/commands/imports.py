"""``gatehouse import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import actor, json_option, plain, show, with_app
from app.cli.progress import STOPPED, carry_to_end, refused

if TYPE_CHECKING:
    from app.directory.imports.start import File, Options

REFUSED = 1
"""The exit code when not everything could be done."""
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
        carry_to_end(account_id, operation_id, _doing)
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


def _doing(options: dict[str, Any], done: int) -> str:
    return "People" if done < options["rows"] else "Who is in which group"


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
    told += refused(account_id, operation_id, SHOWN)
    show(result, as_json, "\n".join(told))
    if found["state"] != "done" or counts["refused"] or counts["partly"]:
        sys.exit(REFUSED)


def _summary(found: dict[str, Any], counts: dict[str, int]) -> str:
    """Return what came of an import, in a few sentences."""
    said = "Nothing was changed. It would be" if found["options"]["trial"] else "Done"
    if found["state"] == "failed":
        said = f"It stopped: {plain(found['error'])} Until then"
    elif found["state"] == "cancelled":
        said = "It was cancelled. Until then"
    people = (
        f"people added: {counts['created']}, changed: {counts['updated']}, "
        f"as they were: {counts['unchanged']}; rows refused: {counts['refused']}"
    )
    groups = (
        f"new groups: {counts['groups']}; memberships that came: {counts['joined']}, "
        f"that went: {counts['left']}"
    )
    partly = counts["partly"]
    beside = f"; rows of which not all groups could be given: {partly}" if partly else ""
    return f"{said}: {people}; {groups}{beside}."


COMMANDS = [import_]
