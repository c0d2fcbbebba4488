"""``gatehouse folder``, ``gatehouse grant`` and ``gatehouse check``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("folder")
def folder() -> None:
    """Add folders."""


@folder.command("create")
@click.argument("account")
@click.argument("path")
@click.option("--restricted", is_flag=True, help="Grants on folders above do not reach it.")
@json_option
@with_app
def create(account: str, path: str, restricted: bool, as_json: bool) -> None:
    """Add the folder at a PATH such as /Brand/2026, with those above it that are missing."""
    from app.directory import accounts, folders
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        folder_id = folders.create_path(work, path, restricted=restricted)
    show({"id": folder_id, "path": path}, as_json, f"Folder {path} is there: {folder_id}")


@click.command("grant")
@click.argument("account")
@click.option("--to", "to", required=True, help="user:USERNAME or group:NAME")
@click.option("--role", required=True, help="A folder role, or without --folder an account role.")
@click.option("--folder", help="Path of the folder.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="End, in UTC.")
@click.option("--reason", default="", help="Why, for the audit.")
@json_option
@with_app
def grant(
    account: str,
    to: str,
    role: str,
    folder: str | None,
    until: datetime | None,
    reason: str,
    as_json: bool,
) -> None:
    """Give a role to a user or a group of an ACCOUNT."""
    from app.directory import accounts, folders, grants, roles
    from app.directory.work import transaction

    kind, _, name = to.partition(":")
    if kind not in ("user", "group") or not name:
        raise click.UsageError("--to must look like user:ada@example.com or group:Designers.")
    account_id = accounts.find(account)
    principal = grants.principal_named(account_id, kind, name)
    role_id = roles.find(account_id, "folder" if folder else "account", role)
    folder_id = folders.find_by_path(account_id, folder) if folder else None
    expires_at = until.replace(tzinfo=UTC) if until else None
    with transaction(account_id, actor()) as work:
        given = grants.give(
            work, principal, role_id, folder_id, reason=reason, expires_at=expires_at
        )
    where = folder or "the account"
    text = f"{principal.name} {'has now' if given.changed else 'had already'} {role} on {where}."
    show({"id": given.id, "new": given.changed}, as_json, text)


@click.command("check")
@click.argument("account")
@click.argument("user")
@click.argument("action")
@click.argument("path")
@json_option
@with_app
def check(account: str, user: str, action: str, path: str, as_json: bool) -> None:
    """Say whether a USER may do an ACTION on the folder at a PATH: exit 0 allowed, 1 denied."""
    from app.access import decisions
    from app.directory import accounts, folders, grants

    account_id = accounts.find(account)
    principal = grants.principal_named(account_id, "user", user)
    folder_id = folders.find_by_path(account_id, path)
    decision = decisions.check(account_id, principal.id, action, folder_id)
    word = "allowed" if decision.allowed else "denied"
    result = {"allowed": decision.allowed, "reason": decision.in_words()}
    show(result, as_json, f"{word}: {decision.in_words()}")
    sys.exit(0 if decision.allowed else 1)


COMMANDS = [folder, grant, check]
