"""``gatehouse trash``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, plain, show, with_app


@click.group("trash")
def trash() -> None:
    """Users, groups and folders that were deleted, and how to bring them back."""


@trash.command("list")
@click.argument("account")
@click.option("--type", "type_", type=click.Choice(["user", "group", "folder"]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 500))
@json_option
@with_app
def list_(account: str, type_: str | None, limit: int, as_json: bool) -> None:
    """List what was deleted from an ACCOUNT, the newest first."""
    from app.directory import accounts
    from app.lists import trash

    rows = trash.listed(accounts.find(account), type_=type_, limit=limit).items
    for row in rows:
        for name in ("deleted_at", "forget_at"):
            row[name] = row[name] and row[name].isoformat(timespec="seconds")
    lines = (
        f"{row['id']}  {row['type']} {plain(row['name'])!r}, deleted {row['deleted_at']} "
        f"by {plain(row['deleted_by'])}, kept until {row['forget_at']}"
        if row["forget_at"]
        else f"{row['id']}  {row['type']}, deleted {row['deleted_at']}, forgotten"
        for row in rows
    )
    show({"deleted": rows}, as_json, "\n".join(lines) or "Nothing was deleted.")


@trash.command("restore")
@click.argument("account")
@click.argument("id")
@json_option
@with_app
def restore(account: str, id: str, as_json: bool) -> None:
    """Bring back what was deleted from an ACCOUNT under an ID, with what hung on it."""
    from app.directory import accounts, restoring
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        restored = restoring.restore(work, id)
    target, left_out = restored.target, list(restored.left_out)
    lines = [f"The {target.type} {target.name!r} is back.", *(f"Left out: {x}" for x in left_out)]
    result = {"id": target.id, "type": target.type, "name": target.name, "left_out": left_out}
    show(result, as_json, "\n".join(lines))


COMMANDS = [trash]
