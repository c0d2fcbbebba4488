"""``gatehouse drift``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli.group import actor, json_option, plain, show, with_app
from app.cli.progress import STOPPED, carry_to_end, refused

DRIFT = 1
"""The exit code when something differs, or not all of it could be mended."""
SHOWN = 10
"""How many of each kind are printed."""


@click.command("drift")
@click.argument("connection")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", help="Name or id; not needed when there is just one.")
@click.option("--fix", is_flag=True, help="Make the people here what the file says.")
@click.option("--many", is_flag=True, help="Fix even if it deactivates more than half.")
@click.option(
    "--csv",
    "table",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write all that differs to this CSV file.",
)
@json_option
@with_app
def drift(
    connection: str,
    file: Path,
    account: str | None,
    fix: bool,
    many: bool,
    table: Path | None,
    as_json: bool,
) -> None:
    """Compare who a provider exports in a FILE with who came through its CONNECTION.

    FILE is a table as CSV, as for `gatehouse import`, or SCIM resources as JSON. Nothing is changed
    without --fix; with it, who is missing is added, who differs is changed, who is here alone is
    deactivated. It ends in 1 when something differs; with --fix, when not all of it could be
    mended.
    """
    from app.directory import accounts, connections
    from app.lists import drift as rows

    account_id = accounts.only_one() if account is None else accounts.find(account)
    report = _report(account_id, connections.find(account_id, connection), file)
    if table is not None:
        with table.open("w", encoding="utf-8", newline="") as lines:
            lines.writelines(rows.as_csv(account_id, report["id"], in_words=True))
    fixed = _fix(account_id, report, many=many) if fix and _differs(report) else None
    _tell(account_id, report, fixed, as_json)
    last = fixed or report
    is_wrong = last["state"] != "done" or report["counts"].get("refused")
    is_wrong = is_wrong or (fixed["counts"].get("refused") if fixed else _differs(report))
    sys.exit(DRIFT if is_wrong else 0)


def _report(account_id: str, connection_id: str, file: Path) -> dict[str, Any]:
    from app.directory.drift import start
    from app.directory.drift.reading import look_through
    from app.directory.work import transaction

    with file.open("rb") as stream:
        export = look_through(file.name, stream)
    with export.lines, transaction(account_id, actor()) as work:
        operation_id = start.start(work, connection_id, export)
    return _done(account_id, operation_id)


def _fix(account_id: str, report: dict[str, Any], *, many: bool) -> dict[str, Any]:
    from app.directory.drift import start
    from app.directory.work import transaction

    with transaction(account_id, actor()) as work:
        operation_id = start.fix(work, report["id"], many=many)
    return _done(account_id, operation_id)


def _differs(report: dict[str, Any]) -> bool:
    from app.directory.drift.start import KINDS

    return report["state"] == "done" and any(report["counts"].get(kind) for kind in KINDS)


def _done(account_id: str, operation_id: str) -> dict[str, Any]:
    """Carry an operation on to its end, and return it."""
    from app.directory import operations
    from app.directory.work import transaction
    from app.lists import operations as lists

    try:
        carry_to_end(account_id, operation_id, _doing)
    except KeyboardInterrupt:
        with transaction(account_id, actor()) as work:
            operations.cancel(work, operation_id)
        click.echo("Stopped. What is done stays.", err=True)
        sys.exit(STOPPED)
    found = lists.one(account_id, operation_id)
    assert found is not None
    return found


def _doing(options: dict[str, Any], done: int) -> str:
    return "Mending" if options["fix"] else "Comparing"


def _tell(
    account_id: str, report: dict[str, Any], fixed: dict[str, Any] | None, as_json: bool
) -> None:
    """Say what a report found, and what was mended."""
    from app.directory.drift.start import COUNTS, FIXED

    found = _result(report, COUNTS)
    mended = _result(fixed, FIXED) if fixed else None
    lines = _found(account_id, report, found)
    lines += _mended(fixed, mended) if fixed and mended else []
    for each in filter(None, (report, fixed)):
        lines += refused(account_id, each["id"], SHOWN)
    show({"report": found, "fix": mended}, as_json, "\n".join(map(plain, lines)))


def _result(found: dict[str, Any], counts: tuple[str, ...]) -> dict[str, Any]:
    of_each = dict.fromkeys(counts, 0) | found["counts"]
    return {"id": found["id"], "state": found["state"], "error": found["error"], **of_each}


def _found(account_id: str, report: dict[str, Any], counts: dict[str, Any]) -> list[str]:
    """Return what a report found, in lines."""
    from app.directory.drift.start import deactivates
    from app.lists import drift as rows

    if report["state"] != "done":
        return [f"It could not be compared ({report['state']}): {report['error'] or ''}"]
    lines = [
        f"People missing here: {counts['missing']}; different: {counts['different']}; "
        f"here alone: {counts['extra']}; the same: {counts['same']}. "
        f"Rows refused: {counts['refused']}."
    ]
    if ignored := report["options"]["ignored"]:
        lines.append(f"Columns that are not read: {', '.join(ignored)}.")
    for kind, word in rows.IN_WORDS.items():
        some = rows.rows(account_id, report["id"], kind=kind, limit=SHOWN)
        lines += [f"  {word}: {each['name']}{_changes(each['changes'])}" for each in some]
        if counts[kind] > len(some):
            lines.append(f"  and {counts[kind] - len(some)} more {word}")
    if counts["extra"] and not deactivates(report["options"], counts):
        lines.append("Nobody is deactivated: the rows refused may be about just them.")
    return lines


def _changes(changes: dict[str, Any]) -> str:
    said = [f"{name} {_said(here)} → {_said(there)}" for name, (here, there) in changes.items()]
    return f" ({'; '.join(said)})" if said else ""


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None else repr(value)


def _mended(fixed: dict[str, Any], counts: dict[str, Any]) -> list[str]:
    begins = "" if fixed["state"] == "done" else f"It stopped: {fixed['error'] or ''} Until then: "
    return [
        f"{begins}People added: {counts['created']}; changed: {counts['updated']}; "
        f"deactivated: {counts['deactivated']}. New groups: {counts['groups']}; "
        f"memberships that came: {counts['joined']}; that went: {counts['left']}. "
        f"Could not be mended: {counts['refused']}."
    ]


COMMANDS = [drift]
