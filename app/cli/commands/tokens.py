"""``gatehouse token``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from app.cli.group import actor, json_option, show, with_app

if TYPE_CHECKING:
    from app.directory.clients import ListedClient
    from app.directory.tokens import IssuedToken, ListedToken


scope_option = click.option(
    "--scope",
    default="users,groups",
    show_default=True,
    help="Comma-separated, of: users, groups, folders, grants, admins.",
)
network_option = click.option(
    "--network", multiple=True, help="A network it may come from, such as 203.0.113.0/24."
)


def scopes_in(listed: str) -> list[str]:
    """Return the scopes in a comma-separated list."""
    return [part.strip() for part in listed.split(",") if part.strip()]


@click.group("token")
def token() -> None:
    """Issue, rotate and revoke the bearer tokens of identity providers."""


@token.command("create")
@click.argument("account")
@click.option("--name", required=True, help="What the token is for.")
@scope_option
@click.option("--connection", default="SCIM", show_default=True, help="Its SCIM connection.")
@click.option(
    "--api",
    "of_role",
    metavar="ROLE",
    help="A token of the admin API in place of SCIM, which may do what this account role permits, "
    "such as admin or reports (docs/access.md).",
)
@click.option(
    "--action",
    "actions",
    multiple=True,
    help="A token of the API too, which may do this, such as access.check: to ask decisions, as "
    "applications do (docs/authzen.md). Repeatable.",
)
@network_option
@json_option
@with_app
def create(
    account: str,
    name: str,
    scope: str,
    connection: str,
    of_role: str | None,
    actions: tuple[str, ...],
    network: tuple[str, ...],
    as_json: bool,
) -> None:
    """Issue a token of an ACCOUNT. It is shown once."""
    from app.directory import accounts, connections, roles, tokens
    from app.directory.work import transaction

    account_id = accounts.find(account)
    if of_role is not None or actions:
        _refuse_options_of_scim()
        permitted = set(actions)
        if of_role is not None:
            permitted |= roles.permissions(account_id, roles.find(account_id, "account", of_role))
        with transaction(account_id, actor()) as work:
            issued = tokens.create_for_api(work, name, permitted, allowed=network)
        _show(issued, as_json, "/api/v1")
        return
    with transaction(account_id, actor()) as work:
        connection_id = connections.find_or_create_scim(work, connection)
        issued = tokens.create(work, connection_id, name, scopes_in(scope), allowed=network)
    _show(issued, as_json, "/scim/v2")


def _refuse_options_of_scim() -> None:
    """Refuse what would have no effect on a token of the API."""
    context = click.get_current_context()
    for name in ("scope", "connection"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--{name} is for a token of SCIM; --api and --action make one of the API.", context
            )


@token.command("rotate")
@click.argument("account")
@click.argument("token")
@click.option("--overlap-hours", default=168, show_default=True, type=click.IntRange(0, 8760))
@json_option
@with_app
def rotate(account: str, token: str, overlap_hours: int, as_json: bool) -> None:
    """Replace a TOKEN of an ACCOUNT; both work during the overlap, and no other token ends.

    TOKEN is its prefix or id, or its name if no other live token has it.
    """
    from datetime import timedelta

    from app.directory import accounts, tokens
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        issued = tokens.rotate(work, token, overlap=timedelta(hours=overlap_hours))
    replaced, ends, end = issued.replaced, issued.replaced_ends_at, issued.expires_at
    path = "/scim/v2" if issued.surface == "scim" else "/api/v1"
    more = {"replaced": replaced, "replaced_ends_at": ends.isoformat()}
    _show(issued, as_json, path, **more, expires_at=end.isoformat() if end else None)
    if not as_json:
        click.echo(f"The token it replaces, {replaced}, works until {_minute(ends)}.")
        if end is not None:
            click.echo(f"The new one works until {_minute(end)}, as that one would have.")


@token.command("revoke")
@click.argument("account")
@click.argument("token")
@json_option
@with_app
def revoke(account: str, token: str, as_json: bool) -> None:
    """End a TOKEN of an ACCOUNT at once.

    TOKEN is its prefix or id, or its name if no other live token has it.
    """
    from app.directory import accounts, tokens
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        ended = tokens.revoke(work, token)
    show({"revoked": ended}, as_json, f"{ended} works no more.")


@token.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the live tokens of an ACCOUNT, without their secrets."""
    from app.directory import accounts, tokens

    found = tokens.listed(accounts.find(account))
    text = "\n".join(
        f"{each.prefix}  {each.name} ({each.connection or 'API'}): {', '.join(each.scopes)}"
        f"{credential_notes(each)}"
        for each in found
    )
    show({"tokens": [plain(each) for each in found]}, as_json, text or "There is no live token.")


def credential_notes(listed: ListedToken | ListedClient) -> str:
    """Return where a credential may come from, and its times, in words."""
    notes = [f"from {', '.join(listed.networks)}"] if listed.networks else []
    notes.append(f"created {_minute(listed.created_at)}")
    used = listed.last_used_at
    notes.append(f"last used {_minute(used)}" if used else "never used")
    ends = getattr(listed, "expires_at", None)
    notes += [f"expires {_minute(ends)}"] if ends else []
    return "".join(f"; {note}" for note in notes)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def plain(listed: Any) -> dict[str, Any]:
    """Return a listed credential as JSON."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(listed).items()
    }


def _show(issued: IssuedToken, as_json: bool, path: str, **more: str | None) -> None:
    from app.security.requests import settings

    base, face = settings().public_url + path, issued.surface
    result = {
        "token": issued.secret,
        f"{face}_base": base,
        "id": issued.id,
        "prefix": issued.prefix,
        **more,
    }
    text = (
        f"{face.upper()} base:".ljust(12) + f"{base}\nToken:      {issued.secret}\n"
        "Keep it safe: it is not shown again."
    )
    show(result, as_json, text)


COMMANDS = [token]
