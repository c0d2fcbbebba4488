"""``gatehouse domain``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("domain")
def domain() -> None:
    """Send people to their connection by the domain of their e-mail address."""


@domain.command("add")
@click.argument("account")
@click.argument("domain")
@click.argument("connection")
@json_option
@with_app
def add(account: str, domain: str, connection: str, as_json: bool) -> None:
    """People of a DOMAIN sign in through this SAML CONNECTION of an ACCOUNT.

    Make sure that the domain is theirs: nobody else checks it.
    """
    from app.directory import accounts, domains
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        domains.add(work, domain, connection)
    text = f"People of {domain} sign in through {connection}."
    show({"domain": domains.normalised(domain), "connection": connection}, as_json, text)


@domain.command("remove")
@click.argument("account")
@click.argument("domain")
@json_option
@with_app
def remove(account: str, domain: str, as_json: bool) -> None:
    """Send people of a DOMAIN nowhere any more."""
    from app.directory import accounts, domains
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        domains.remove(work, domain)
    show({"domain": domain}, as_json, f"People of {domain} are sent nowhere.")


@domain.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the domains of an ACCOUNT."""
    from app.directory import accounts, domains

    found = domains.listed(accounts.find(account))
    text = "\n".join(f"{name}  {connection}" for name, connection in found.items())
    show({"domains": found}, as_json, text or "There is no domain.")


COMMANDS = [domain]
