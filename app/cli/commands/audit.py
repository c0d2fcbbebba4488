"""``gatehouse audit``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import Moment, json_option, plain, show, with_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from app.directory.audit_check import Report

A_TIME = Moment(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
PIPED_WIDTH = 200
"""Columns of the table where there is no terminal to ask."""
IN_TABLE = 100
"""How many events the table shows unless told otherwise."""


@click.group("audit")
def audit() -> None:
    """Who did what: list it, export it, and check that nobody has changed it."""


@audit.command("list")
@click.argument("account")
@click.option("--action", help="Such as user.deleted; with a dot at the end, all that begin so.")
@click.option("--actor", help="Id or name of who did it.")
@click.option("--target-type", help="user, group, folder, …")
@click.option("--target", help="Id or name of what it was done to.")
@click.option("--surface", help="scim, saml, console, api or cli.")
@click.option("--outcome", type=click.Choice(["success", "refused"]))
@click.option("--address", help="The client's address.")
@click.option("--request", "request_id", help="The number a person was shown.")
@click.option("--since", type=A_TIME, help="In UTC.")
@click.option("--until", type=A_TIME, help="Before this moment, in UTC.")
@click.option("--limit", type=click.IntRange(1), help="Default: 100 in a table, otherwise all.")
@click.option("--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table")
@with_app
def list_(
    account: str,
    form: str,
    limit: int | None,
    since: datetime | None,
    until: datetime | None,
    **wanted: str | None,
) -> None:
    """List what happened in an ACCOUNT, the newest first.

    In a table 500 events at the most; as JSON lines or CSV all of them.
    """
    from app.directory import accounts
    from app.lists import audit

    account_id = accounts.find(account)
    these = audit.AuditFilter(since=_utc(since), until=_utc(until), **wanted)
    if form == "table":
        _print(_table(audit.listed(account_id, these, limit=limit or IN_TABLE).items))
        return
    lines_of = {"jsonl": audit.as_jsonl, "csv": audit.as_csv}[form]
    for line in lines_of(islice(audit.every(account_id, these), limit)):
        click.echo(line, nl=False)


@audit.command("head")
@click.argument("account")
@json_option
@with_app
def head(account: str, as_json: bool) -> None:
    """Print the end of an ACCOUNT's sealed chain, to be kept elsewhere and checked against."""
    from app.directory import accounts, audit_chain
    from app.directory.errors import Invalid
    from app.words import say

    end = audit_chain.head(accounts.find(account))
    if end is None:
        raise Invalid(say("Nothing is sealed yet. Run: gatehouse jobs run"))
    show({"sequence": end.sequence, "seal": end.seal}, as_json, str(end))


@audit.command("verify")
@click.argument("account", required=False)
@click.option("--expect", metavar="SEQUENCE:SEAL", help="What `gatehouse audit head` said before.")
@json_option
@with_app
def verify(account: str | None, expect: str | None, as_json: bool) -> None:
    """Check the sealed chain of an ACCOUNT, or of all. Ends in 1 when something is wrong."""
    from app.directory import accounts, audit_check
    from app.directory.audit_chain import Anchor

    if expect is not None and account is None:
        raise click.UsageError("--expect needs the account it is of.")
    anchor = Anchor.read(expect) if expect is not None else None
    names = dict(accounts.listed())
    found = [accounts.find(account)] if account is not None else list(names)
    reports = {}
    for account_id in found:
        with _progress(account_id) as progress:
            reports[account_id] = audit_check.check(account_id, anchor, progress)
    results = [
        _as_json(account_id, names[account_id], report) for account_id, report in reports.items()
    ]
    text = "\n".join(_in_words(names[id_], report) for id_, report in reports.items())
    show({"accounts": results}, as_json, text)
    if any(report.findings for report in reports.values()):
        sys.exit(1)


@contextmanager
def _progress(account_id: str) -> Iterator[Callable[[int], None]]:
    from app.cli.progress import bar_of
    from app.directory import audit_chain

    end = audit_chain.head(account_id)
    with bar_of() as bar:
        task = bar.add_task("Checking seals", total=end.sequence if end else 0)
        yield lambda checked: bar.update(task, completed=checked)


def _as_json(account_id: str, name: str, report: Report) -> dict[str, Any]:
    oldest = report.oldest_unsealed
    return {
        "account": account_id,
        "name": name,
        "checked": report.checked,
        "head": str(report.end) if report.end else None,
        "findings": report.findings,
        "unsealed": report.unsealed,
        "oldest_unsealed": oldest.isoformat() if oldest else None,
    }


def _in_words(name: str, report: Report) -> str:
    lines = [
        f"{plain(name)}: {report.checked} events checked, {len(report.findings)} findings.",
        *(f"  {plain(finding)}" for finding in report.findings),
    ]
    if report.unsealed:
        since = report.oldest_unsealed
        lines.append(
            f"  {report.unsealed} events wait for their seal"
            + (f", the oldest since {since:%Y-%m-%d %H:%M:%S} UTC." if since else ".")
        )
    if report.end:
        lines.append(f"  head {plain(str(report.end))}")
    elif report.checked:
        lines.append("  It was followed no further.")
    return "\n".join(lines)


def _table(events: list[dict[str, Any]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE)
    for name in ("time (UTC)", "who", "what", "to", "from", "request"):
        table.add_column(name, overflow="fold")
    for event in events:
        refused = event["outcome"] != "success"
        what = f"{event['action']}: {event['reason']}" if refused else event["action"]
        target = event["target"]
        table.add_row(
            f"{event['at']:%Y-%m-%d %H:%M:%S}",
            Text(plain(event["actor"]["name"])),
            Text(plain(what), style="red" if refused else ""),
            Text(plain(f"{target['type']} {target['name'] or target['id'] or ''}")),
            Text(plain(f"{event['surface']} {event['address'] or ''}")),
            Text(plain(event["request_id"] or "")),
        )
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    if not table.row_count:
        click.echo("Nothing of that kind is in the log.")
        return
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


COMMANDS = [audit]
