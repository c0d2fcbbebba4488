"""``gatehouse token``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.group import actor, json_option, show, with_app

if TYPE_CHECKING:
    from app.directory.tokens import IssuedToken


@click.group("token")
def token() -> None:
    """Issue, rotate and revoke the bearer tokens of identity providers."""


@token.command("create")
@click.argument("account")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", default="users,groups", show_default=True, help="Comma-separated.")
@click.option("--connection", default="SCIM", show_default=True, help="Its SCIM connection.")
@json_option
@with_app
def create(account: str, name: str, scope: str, connection: str, as_json: bool) -> None:
    """Issue a token of an ACCOUNT. It is shown once."""
    from app.directory import accounts, connections, tokens
    from app.directory.work import transaction

    scopes = [part.strip() for part in scope.split(",") if part.strip()]
    with transaction(accounts.find(account), actor()) as work:
        connection_id = connections.find_or_create_scim(work, connection)
        issued = tokens.create(work, connection_id, name, scopes)
    _show(issued, as_json)


@token.command("rotate")
@click.argument("account")
@click.argument("token")
@click.option("--overlap-hours", default=168, show_default=True, type=click.IntRange(0, 8760))
@json_option
@with_app
def rotate(account: str, token: str, overlap_hours: int, as_json: bool) -> None:
    """Replace a TOKEN (its name, prefix or id) of an ACCOUNT; both work during the overlap."""
    from datetime import timedelta

    from app.directory import accounts, tokens
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        issued = tokens.rotate(work, token, overlap=timedelta(hours=overlap_hours))
    _show(issued, as_json)


@token.command("revoke")
@click.argument("account")
@click.argument("token")
@json_option
@with_app
def revoke(account: str, token: str, as_json: bool) -> None:
    """End a TOKEN (its name, prefix or id) of an ACCOUNT at once."""
    from app.directory import accounts, tokens
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        ended = tokens.revoke(work, token)
    show({"revoked": ended}, as_json, f"{ended} token(s) revoked.")


def _show(issued: IssuedToken, as_json: bool) -> None:
    from app.security.requests import settings

    base = f"{settings().public_url}/scim/v2"
    result = {
        "token": issued.secret,
        "scim_base": base,
        "id": issued.id,
        "prefix": issued.prefix,
    }
    text = f"SCIM base:  {base}\nToken:      {issued.secret}\nKeep it safe: it is not shown again."
    show(result, as_json, text)


COMMANDS = [token]
