"""``gatehouse user``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("user")
def user() -> None:
    """Put people out, and let them in again."""


@user.command("deactivate")
@click.argument("account")
@click.argument("user")
@json_option
@with_app
def deactivate(account: str, user: str, as_json: bool) -> None:
    """Put a USER of an ACCOUNT out: every session ends, and nobody signs in as them."""
    _switch(account, user, False, as_json)


@user.command("activate")
@click.argument("account")
@click.argument("user")
@json_option
@with_app
def activate(account: str, user: str, as_json: bool) -> None:
    """Let a USER of an ACCOUNT sign in again, with what they had."""
    _switch(account, user, True, as_json)


def _switch(account: str, name: str, active: bool, as_json: bool) -> None:
    from app.directory import accounts, grants, users
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        principal = grants.principal_named(account_id, "user", name)
        changed = users.set_active(work, principal.id, active)
    state = "active" if active else "not active: out at the next request"
    result = {"id": principal.id, "active": active, "changed": changed}
    show(result, as_json, f"{principal.name} is {state}.")


COMMANDS = [user]
