"""``gatehouse log``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import Moment, json_option, plain, with_app

if TYPE_CHECKING:
    from rich.table import Table

    from app.directory.provisioning_log import Change, Logged

PIPED_WIDTH = 200
"""Columns of the table where there is no terminal to ask."""
VALUE_SHOWN = 200
"""Most characters of a changed value in the table; JSON has it whole."""


@click.command("log")
@click.argument("account")
@click.option("--user", help="About one user: an id, userName or externalId.")
@click.option("--connection", help="Through one connection: its name or id.")
@click.option("--failed", is_flag=True, help="Only what failed or was refused.")
@click.option("--since", type=Moment(), help="In UTC.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--changes", is_flag=True, help="Also show what each request changed.")
@json_option
@with_app
def log(
    account: str,
    user: str | None,
    connection: str | None,
    failed: bool,
    since: datetime | None,
    limit: int,
    changes: bool,
    as_json: bool,
) -> None:
    """Show what identity providers asked of an ACCOUNT over SCIM, newest first."""
    from app.directory import accounts, provisioning_log

    found = provisioning_log.find(
        accounts.find(account),
        user=user,
        connection=connection,
        failures=failed,
        since=since.replace(tzinfo=UTC) if since else None,
        limit=limit,
    )
    if as_json:
        import orjson

        click.echo(orjson.dumps({"requests": [_as_json(each) for each in found]}))
    elif not found:
        click.echo("Nothing of that kind is in the log.")
    else:
        _print(_table(found, changes))


def _as_json(logged: Logged) -> dict[str, Any]:
    row = {
        key: value
        for key, value in logged.row._asdict().items()
        if key not in ("account_id", "resource_key")
    }
    changes = [
        {
            "action": each.action,
            "target": {"type": each.target.type, "id": each.target.id, "name": each.target.name},
            "before": each.before,
            "after": each.after,
        }
        for each in logged.changes
    ]
    return row | {"changes": changes}


def _table(found: list[Logged], with_changes: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Time (UTC)", "Who", "What", "Outcome", "Detail", "Took", "Request"):
        table.add_column(heading, overflow="fold")
    for logged in found:
        row = logged.row
        detail = [row.detail or "", *(_in_words(note) for note in row.notes)]
        if with_changes:
            detail += [line for each in logged.changes for line in _change_in_words(each)]
        table.add_row(
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            *(Text(plain(each)) for each in (row.actor_name, _what(row))),
            Text(plain(_outcome(row)), style="red" if row.status >= 400 else "green"),
            Text("\n".join(plain(each) for each in detail if each)),
            f"{row.duration_us / 1000:.1f} ms",
            Text(plain(row.request_id or "")),
        )
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    # A Console asks the terminal for its width; without one it would squeeze all into 80.
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def _what(row: Any) -> str:
    """Return what was asked: of a resource with a name by it, otherwise by the path."""
    if row.resource_type and row.resource_name:
        return f"{row.method} {row.resource_type} {row.resource_name}"
    return f"{row.method} {row.path}"


def _outcome(row: Any) -> str:
    return f"{row.status} {row.scim_type or ''}".strip()


def _in_words(note: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in note.items())


def _change_in_words(change: Change) -> list[str]:
    """Return what changed, line by line: ``user.updated``, then ``title: "Dr" → "Prof"``."""
    before, after = change.before or {}, change.after or {}
    keys = [
        key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)
    ]
    changed = [f"{key}: {_value(before.get(key))} → {_value(after.get(key))}" for key in keys]
    return [change.action, *changed]


def _value(value: Any) -> str:
    import orjson

    text = "none" if value is None else orjson.dumps(value).decode()
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}…"


COMMANDS = [log]
