"""``gatehouse grant``."""

from __future__ import annotations

from datetime import datetime

import click

from app.cli.group import actor, json_option, show, with_app

A_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"])


@click.group("grant")
def grant() -> None:
    """Give people and groups roles, and take them back."""


@grant.command("give")
@click.argument("account")
@click.option("--user", help="userName of the person.")
@click.option("--group", help="displayName of the group.")
@click.option("--role", required=True, help="A folder role, or without --folder an account role.")
@click.option("--folder", help="Path of the folder.")
@click.option("--from", "begins", type=A_TIME, help="When it begins, such as 2026-05-01 (UTC).")
@click.option("--until", "ends", type=A_TIME, help="When it ends, such as 2026-06-01T18:00+02:00.")
@click.option("--reason", default="", help="Why, for whoever asks later.")
@json_option
@with_app
def give(
    account: str,
    user: str | None,
    group: str | None,
    role: str,
    folder: str | None,
    begins: datetime | None,
    ends: datetime | None,
    reason: str,
    as_json: bool,
) -> None:
    """Give a role of an ACCOUNT to a person or a group, for good or for a time."""
    from app.directory import accounts, folders, grants, roles
    from app.directory.work import transaction

    if (user is None) == (group is None):
        raise click.UsageError("Give one of --user and --group.")
    account_id = accounts.find(account)
    to = grants.principal_named(account_id, "group" if group else "user", str(group or user))
    role_id = roles.find(account_id, "folder" if folder else "account", role)
    folder_id = folders.find_by_path(account_id, folder) if folder else None
    with transaction(account_id, actor()) as work:
        given = grants.give(
            work,
            to,
            role_id,
            folder_id,
            reason=reason,
            not_before=_utc(begins),
            expires_at=_utc(ends),
        )
    where = folder or "the account"
    text = f"{to.name} is {role} on {where}: {given.id}" + ("" if given.changed else " (as before)")
    show({"id": given.id, "changed": given.changed}, as_json, text)


@grant.command("revoke")
@click.argument("account")
@click.argument("id")
@json_option
@with_app
def revoke(account: str, id: str, as_json: bool) -> None:
    """Take back the grant with an ID from an ACCOUNT."""
    from app.directory import accounts, grants
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        grants.revoke(work, id)
    show({"revoked": id}, as_json, f"Grant {id} is taken back.")


def _utc(at: datetime | None) -> datetime | None:
    """Return a time with its zone; one without is meant in UTC."""
    from datetime import UTC

    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


COMMANDS = [grant]
