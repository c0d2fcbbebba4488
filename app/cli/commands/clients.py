"""``gatehouse client``: OAuth 2.0 client credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.commands.tokens import (
    credential_notes,
    network_option,
    plain,
    scope_option,
    scopes_in,
)
from app.cli.group import actor, json_option, show, with_app

if TYPE_CHECKING:
    from app.directory.clients import IssuedClient


@click.group("client")
def client() -> None:
    """Issue, rotate and revoke the OAuth client credentials of identity providers."""


@client.command("create")
@click.argument("account")
@click.option("--name", required=True, help="What the client is for.")
@scope_option
@click.option("--connection", default="SCIM", show_default=True, help="Its SCIM connection.")
@network_option
@json_option
@with_app
def create(
    account: str, name: str, scope: str, connection: str, network: tuple[str, ...], as_json: bool
) -> None:
    """Issue client credentials of an ACCOUNT. The secret is shown once."""
    from app.directory import accounts, clients, connections
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        connection_id = connections.find_or_create_scim(work, connection)
        issued = clients.create(work, connection_id, name, scopes_in(scope), allowed=network)
    _show(issued, as_json)


@client.command("rotate")
@click.argument("account")
@click.argument("client")
@click.option("--overlap-hours", default=168, show_default=True, type=click.IntRange(0, 8760))
@json_option
@with_app
def rotate(account: str, client: str, overlap_hours: int, as_json: bool) -> None:
    """Give a CLIENT (its name or id) a new secret; the old one works on during the overlap."""
    from datetime import timedelta

    from app.directory import accounts, clients
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        issued = clients.rotate(work, client, overlap=timedelta(hours=overlap_hours))
    _show(issued, as_json)


@client.command("revoke")
@click.argument("account")
@click.argument("client")
@json_option
@with_app
def revoke(account: str, client: str, as_json: bool) -> None:
    """End a CLIENT (its name or id) and its access tokens at once."""
    from app.directory import accounts, clients
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        clients.revoke(work, client)
    show({"revoked": client}, as_json, f"Client {client} is gone, and its access tokens.")


@client.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the clients of an ACCOUNT, without their secrets."""
    from app.directory import accounts, clients

    found = clients.listed(accounts.find(account))
    text = "\n".join(
        f"{each.id}  {each.name} ({each.connection}): {', '.join(each.scopes)}"
        f"{credential_notes(each)}"
        for each in found
    )
    show({"clients": [plain(each) for each in found]}, as_json, text or "There is no client.")


def _show(issued: IssuedClient, as_json: bool) -> None:
    from app.security.requests import settings

    base = settings().public_url
    result = {
        "client_id": issued.id,
        "client_secret": issued.secret,
        "token_url": f"{base}/oauth/token",
        "scim_base": f"{base}/scim/v2",
    }
    text = (
        f"SCIM base:      {base}/scim/v2\n"
        f"Token URL:      {base}/oauth/token\n"
        f"Client id:      {issued.id}\n"
        f"Client secret:  {issued.secret}\n"
        "Keep the secret safe: it is not shown again."
    )
    show(result, as_json, text)


COMMANDS = [client]
