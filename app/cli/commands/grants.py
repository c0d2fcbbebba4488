"""``gatehouse grant`` and ``gatehouse revoke``."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from app.cli.group import Moment, actor, json_option, show, with_app

A_TIME = Moment()


@click.command("grant")
@click.argument("account")
@click.option("--to", "to", required=True, help="user:USERNAME or group:NAME")
@click.option("--role", required=True, help="A folder role, or without --folder an account role.")
@click.option("--folder", help="Path of the folder.")
@click.option("--from", "begins", type=A_TIME, help="Begin, in UTC.")
@click.option("--until", type=A_TIME, help="End, in UTC.")
@click.option("--reason", default="", help="Why, for the audit.")
@json_option
@with_app
def grant(
    account: str,
    to: str,
    role: str,
    folder: str | None,
    begins: datetime | None,
    until: datetime | None,
    reason: str,
    as_json: bool,
) -> None:
    """Give a role to a user or a group of an ACCOUNT, for good or for a time."""
    from app.directory import accounts, folders, grants, roles
    from app.directory.work import transaction

    kind, _, name = to.partition(":")
    if kind not in ("user", "group") or not name:
        raise click.UsageError("--to must look like user:ada@example.com or group:Designers.")
    account_id = accounts.find(account)
    principal = grants.principal_named(account_id, kind, name)
    role_id = roles.find(account_id, "folder" if folder else "account", role)
    folder_id = folders.find_by_path(account_id, folder) if folder else None
    with transaction(account_id, actor()) as work:
        given = grants.give(
            work,
            principal,
            role_id,
            folder_id,
            reason=reason,
            not_before=begins and begins.replace(tzinfo=UTC),
            expires_at=until and until.replace(tzinfo=UTC),
        )
    where = folder or "the account"
    has = "has now" if given.changed else "had already"
    text = f"{principal.name} {has} {role} on {where}. (Grant {given.id})"
    show({"id": given.id, "new": given.changed}, as_json, text)


@click.command("revoke")
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


COMMANDS = [grant, revoke]
