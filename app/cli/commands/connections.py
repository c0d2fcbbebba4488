"""``gatehouse connection`` and ``gatehouse mapping``."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("connection")
def connection() -> None:
    """Connect identity providers."""


@connection.command("add-saml")
@click.argument("account")
@click.option("--metadata", required=True, help="The provider's metadata: a file or an URL.")
@click.option("--name", default="SAML", show_default=True, help="Name of the connection.")
@click.option(
    "--match-email",
    is_flag=True,
    help="Find people by the e-mail attribute too; safe where they cannot change it themselves.",
)
@json_option
@with_app
def add_saml(account: str, metadata: str, name: str, match_email: bool, as_json: bool) -> None:
    """Connect an ACCOUNT to a SAML identity provider."""
    from flask import current_app

    from app.directory import accounts
    from app.directory.work import transaction
    from app.security.requests import settings

    # The factory hands over what the command needs of SAML: faces do not import each other.
    saml = current_app.extensions["gatehouse_saml"]()
    is_url = metadata.startswith(("https://", "http://"))
    document = saml.fetch_metadata(metadata) if is_url else Path(metadata).read_bytes()
    with transaction(accounts.find(account), actor()) as work:
        connection_id = saml.register(work, name, document, match_email=match_email)
    base = f"{settings().public_url}/saml/{connection_id}"
    result = {
        "id": connection_id,
        "metadata_url": f"{base}/metadata",
        "acs_url": f"{base}/acs",
        "login_url": f"{base}/login",
    }
    text = (
        "Connected. Give the provider:\n"
        f"  metadata (also the entity id)   {base}/metadata\n"
        f"  assertion consumer service      {base}/acs\n"
        f"People sign in at                 {base}/login"
    )
    show(result, as_json, text)


@click.group("mapping")
def mapping() -> None:
    """Say which role a group of the provider gets, before or after it arrives."""


@mapping.command("create")
@click.argument("account")
@click.option("--group", "group_name", help="displayName of the group.")
@click.option("--external-id", help="externalId of the group.")
@click.option("--role", required=True, help="A folder role, or without --folder an account role.")
@click.option("--folder", help="Path of the folder.")
@json_option
@with_app
def create_mapping(
    account: str,
    group_name: str | None,
    external_id: str | None,
    role: str,
    folder: str | None,
    as_json: bool,
) -> None:
    """Map a group to a role, in an ACCOUNT."""
    from app.directory import accounts, folders, mappings, roles
    from app.directory.work import transaction

    if (group_name is None) == (external_id is None):
        raise click.UsageError("Give either --group or --external-id.")
    account_id = accounts.find(account)
    role_id = roles.find(account_id, "folder" if folder else "account", role)
    folder_id = folders.find_by_path(account_id, folder) if folder else None
    with transaction(account_id, actor()) as work:
        mapping_id = mappings.create(
            work,
            group_name or external_id or "",
            role_id,
            folder_id,
            match_by="display_name" if group_name else "external_id",
        )
    where = folder or "the account"
    text = f"{group_name or external_id} gets {role} on {where}."
    show({"id": mapping_id}, as_json, text)


COMMANDS = [connection, mapping]
