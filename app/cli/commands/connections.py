"""``gatehouse connection``."""

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


COMMANDS = [connection]
