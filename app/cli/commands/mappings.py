"""``gatehouse mapping``."""

from __future__ import annotations

from typing import Any

import click

from app.cli.group import actor, json_option, show, with_app

WHO = {
    "display_name": "Group {}",
    "external_id": "The group with external id {}",
    "role": "Whoever has the role value {}",
    "entitlement": "Whoever has the entitlement {}",
}
"""Whom a mapping matches, in words, by ``match_by``."""
TAKEN_BACK = (
    "taken back from its group, until the provider changes the group or you make the mapping again"
)


@click.group("mapping")
def mapping() -> None:
    """Say which role a group, or a value of the provider's, gives; before or after it arrives."""


@mapping.command("create")
@click.argument("account")
@click.option("--group", "display_name", help="displayName of the group.")
@click.option("--group-id", "external_id", help="externalId of the group.")
@click.option("--role-value", "role_value", help="A value of the user's attribute roles.")
@click.option("--entitlement", help="A value of the user's attribute entitlements.")
@click.option("--role", required=True, help="A folder role, or without --folder an account role.")
@click.option("--folder", help="Path of the folder.")
@click.option("--connection", help="Only what comes through the connection of this name.")
@json_option
@with_app
def create(
    account: str,
    display_name: str | None,
    external_id: str | None,
    role_value: str | None,
    entitlement: str | None,
    role: str,
    folder: str | None,
    connection: str | None,
    as_json: bool,
) -> None:
    """Map a group, or a value users have, to a role, in an ACCOUNT."""
    from app.directory import accounts, connections, folders, mappings, roles
    from app.directory.work import transaction
    from app.lists import mappings as lists

    asked = dict(zip(WHO, (display_name, external_id, role_value, entitlement), strict=True))
    given = [(match_by, value) for match_by, value in asked.items() if value is not None]
    if len(given) != 1:
        raise click.UsageError("Give one of --group, --group-id, --role-value and --entitlement.")
    ((match_by, value),) = given
    account_id = accounts.find(account)
    role_id = roles.find(account_id, "folder" if folder else "account", role)
    folder_id = folders.find_by_path(account_id, folder) if folder else None
    connection_id = connections.find(account_id, connection) if connection else None
    with transaction(account_id, actor()) as work:
        mapping_id = mappings.create(
            work, value, role_id, folder_id, match_by=match_by, connection_id=connection_id
        )
    text = f"{WHO[match_by].format(value)} gets {role} on {folder or 'the account'}: {mapping_id}"
    if (made := lists.one(account_id, mapping_id)) and made["waiting"]:
        text += "; it waits for its group"
    show({"id": mapping_id}, as_json, text)


@mapping.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the mappings of an ACCOUNT."""
    from app.directory import accounts
    from app.lists import mappings

    found = list(mappings.every(accounts.find(account)))
    text = "\n".join(map(_line, found)) or "There is no mapping."
    show({"mappings": [_entry(each) for each in found]}, as_json, text)


@mapping.command("delete")
@click.argument("account")
@click.argument("id")
@json_option
@with_app
def delete(account: str, id: str, as_json: bool) -> None:
    """Remove the mapping with an ID from an ACCOUNT, and take back what it gave."""
    from app.directory import accounts, mappings
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        mappings.delete(work, id)
    show({"deleted": id}, as_json, f"Mapping {id} is gone, and what it gave.")


def _line(each: dict[str, Any]) -> str:
    who, entry = WHO[each["match_by"]].format(each["match_value"]), _entry(each)
    gets = f"{entry['role']} on {entry['folder'] or 'the account'}"
    only = f" (through {entry['connection']} only)" if entry["connection"] else ""
    return f"{each['id']}  {who} gets {gets}{only}{_state(each)}"


def _state(each: dict[str, Any]) -> str:
    if each["waiting"]:
        return "; it waits for its group"
    return f"; {TAKEN_BACK}" if each["lacking"] else ""


def _entry(each: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping with names in place of ids."""
    folder, connection = each["folder"], each["connection"]
    return each | {
        "role": each["role"]["name"],
        "folder": folder and folder["path"],
        "connection": connection and connection["name"],
        "created_at": each["created_at"].isoformat(),
    }


COMMANDS = [mapping]
