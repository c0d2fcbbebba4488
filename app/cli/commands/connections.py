"""``gatehouse connection``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    document = _document(saml, metadata)
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


@connection.command("set")
@click.argument("account")
@click.argument("connection")
@click.option("--match-email/--no-match-email", default=None, help="Find people by e-mail too.")
@click.option("--sign-requests/--no-sign-requests", default=None)
@click.option("--force-authn/--no-force-authn", default=None, help="Sign in anew each time.")
@click.option(
    "--allow-unsolicited/--no-allow-unsolicited",
    default=None,
    help="Let people start at the provider's portal.",
)
@click.option("--require-encryption/--no-require-encryption", default=None)
@click.option("--name-id-format", help="A URI; empty: the provider's choice.")
@click.option("--authn-context", "authn_contexts", multiple=True, help="A URI; may be repeated.")
@click.option(
    "--provisioning",
    type=click.Choice(["off", "create", "update"]),
    help="Make people nobody pushed at their first sign-in; keep them up to date.",
)
@click.option("--preset", help="Whose attribute names: okta, entra, onelogin, google, …")
@click.option("--attribute", "pairs", multiple=True, help="email=mail: what the provider calls it.")
@click.option("--clock-skew", "clock_skew_seconds", type=int, help="In seconds.")
@click.option("--session-hours", type=int, help="0: the setting of the installation.")
@click.option("--landing", help="The path people go on to, such as /folders.")
@json_option
@with_app
def set_(account: str, connection: str, as_json: bool, **options: Any) -> None:
    """Set options of a SAML CONNECTION (its name or id) of an ACCOUNT; without any, show them."""
    from flask import current_app

    from app.directory import accounts
    from app.directory.work import transaction

    saml = current_app.extensions["gatehouse_saml"]()
    given = {name: value for name, value in options.items() if value not in (None, ())}
    preset, pairs = given.pop("preset", None), given.pop("pairs", ())
    if preset or pairs:
        given["attribute_names"] = saml.attribute_names(preset, pairs)
    with transaction(accounts.find(account), actor()) as work:
        stands = saml.configure(work, connection, **given).as_settings()
    text = "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in stands.items())
    show({"options": stands}, as_json, text)


@connection.command("renew-metadata")
@click.argument("account")
@click.argument("connection")
@click.option("--metadata", required=True, help="The provider's metadata: a file or an URL.")
@json_option
@with_app
def renew_metadata(account: str, connection: str, metadata: str, as_json: bool) -> None:
    """Read the provider's metadata of a SAML CONNECTION anew, as when its certificate changes."""
    from flask import current_app

    from app.directory import accounts
    from app.directory.work import transaction

    saml = current_app.extensions["gatehouse_saml"]()
    document = _document(saml, metadata)
    with transaction(accounts.find(account), actor()) as work:
        provider = saml.renew_metadata(work, connection, document)
    count = len(provider.certificates)
    result = {"entity_id": provider.entity_id, "certificates": count}
    show(result, as_json, f"{provider.entity_id} signs with {count} certificate(s) now.")


@connection.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the connections of an ACCOUNT."""
    from app.directory import accounts, connections

    found = connections.listed(accounts.find(account))
    text = "\n".join(f"{each.id}  {each.kind}  {each.name}" for each in found)
    result = [{"id": each.id, "kind": each.kind, "name": each.name} for each in found]
    show({"connections": result}, as_json, text or "There is no connection.")


def _document(saml: Any, metadata: str) -> bytes:
    """Return metadata from where it is: a file, or an address to fetch it from."""
    if metadata.startswith(("https://", "http://")):
        fetched: bytes = saml.fetch_metadata(metadata)
        return fetched
    return Path(metadata).read_bytes()


COMMANDS = [connection]
