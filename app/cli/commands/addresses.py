"""``gatehouse address``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import Moment, actor, json_option, plain, show, with_app

if TYPE_CHECKING:
    from app.directory.address_preview import RefusedAddress
    from app.directory.addresses import Rule

surface_argument = click.argument("surface", type=click.Choice(["console", "api", "scim"]))


@click.group("address")
def address() -> None:
    """Say from which addresses an account may be reached."""


@address.command("add")
@click.argument("account")
@surface_argument
@click.argument("network")
@click.option("--note", default="", help="Whose network it is, for whoever asks later.")
@click.option(
    "--until",
    type=Moment(),
    help="When the rule ends, in UTC. When all have ended, nobody gets in.",
)
@json_option
@with_app
def add(
    account: str, surface: str, network: str, note: str, until: datetime | None, as_json: bool
) -> None:
    """Let a NETWORK such as 203.0.113.0/24 reach a SURFACE of an ACCOUNT.

    The first rule shuts out every other address: see what that does with `gatehouse address try`.
    """
    from app.directory import accounts, addresses
    from app.directory.work import transaction

    ends = until and until.replace(tzinfo=UTC)
    with transaction(accounts.find(account), actor()) as work:
        rule = addresses.add(work, surface, network, note, ends)
    show(_as_json(rule), as_json, _in_words(rule))


@address.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the rules of an ACCOUNT. A surface without any is open."""
    from app.directory import accounts, addresses

    rules = addresses.listed(accounts.find(account))
    text = "\n".join(_in_words(rule) for rule in rules)
    result = {"rules": [_as_json(rule) for rule in rules]}
    show(result, as_json, text or "There is no rule: every address may reach every surface.")


@address.command("remove")
@click.argument("account")
@click.argument("id")
@json_option
@with_app
def remove(account: str, id: str, as_json: bool) -> None:
    """Take the rule with an ID from an ACCOUNT. Without its last rule, a surface is open."""
    from app.directory import accounts, addresses
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        rule = addresses.remove(work, id)
    is_open = not addresses.listed(account_id, rule.surface)
    then = f" Every address may reach {rule.surface} now." if is_open else ""
    result = _as_json(rule) | {"open": is_open}
    show(result, as_json, f"The rule for {rule.network} is removed.{then}")


@address.command("try")
@click.argument("account")
@surface_argument
@click.argument("network", nargs=-1, required=True)
@click.option("--add", "and_current", is_flag=True, help="Besides the rules in force.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 365))
@json_option
@with_app
def try_(
    account: str,
    surface: str,
    network: tuple[str, ...],
    and_current: bool,
    days: int,
    as_json: bool,
) -> None:
    """Show who of the last days could not reach a SURFACE, were these NETWORKs its rules.

    Nothing is changed.
    """
    from app.directory import accounts, address_preview, addresses

    account_id = accounts.find(account)
    networks = [*network, *(addresses.in_force(account_id, surface) if and_current else ())]
    found = address_preview.preview(account_id, surface, networks, days=days)
    result = {
        "refused": [
            asdict(each) | {"last_seen": each.last_seen.isoformat()} for each in found.refused
        ],
        "cut_off": found.cut_off,
    }
    lines = [_came(each) for each in found.refused]
    lines += ["There are more."] if found.cut_off else []
    show(result, as_json, "\n".join(lines) or f"Nobody of the last {days} days would be refused.")


def _came(refused: RefusedAddress) -> str:
    names = plain(", ".join(refused.names))
    return (
        f"{refused.address or 'unknown'}  {names}: {refused.events} event(s), "
        f"last {refused.last_seen:%Y-%m-%d %H:%M} UTC"
    )


def _in_words(rule: Rule) -> str:
    from app.store.types import now

    ends = rule.expires_at
    verb = "ends" if rule.in_force(now()) else "ended"
    until = f", {verb} {ends:%Y-%m-%d %H:%M} UTC" if ends else ""
    note = f"  {plain(rule.note)}" if rule.note else ""
    return f"{rule.id}  {rule.surface}  {rule.network}{until}{note}"


def _as_json(rule: Rule) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(rule).items()
    }


COMMANDS = [address]
