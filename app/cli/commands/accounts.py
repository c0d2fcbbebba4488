"""``gatehouse account`` and ``gatehouse admin``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("account")
def account() -> None:
    """Add accounts (one for each customer)."""


@account.command("create")
@click.argument("name")
@json_option
@with_app
def create_account(name: str, as_json: bool) -> None:
    """Add an account."""
    from app.directory import accounts

    account_id = accounts.create(actor(), name)
    show({"id": account_id, "name": name}, as_json, f"Account {name} is there: {account_id}")


@click.group("admin")
def admin() -> None:
    """Add administrators."""


@admin.command("create")
@click.argument("email")
@click.option("--account", "account_name", help="The account; not needed when there is just one.")
@json_option
@with_app
def create_admin(email: str, account_name: str | None, as_json: bool) -> None:
    """Make someone a master admin and print a sign-in link, good for one use within a day."""
    from app.directory import accounts, first_run
    from app.directory.work import transaction
    from app.security.requests import settings

    account_id = accounts.find(account_name) if account_name else accounts.only_one()
    with transaction(account_id, actor()) as work:
        secret = first_run.invite_admin(work, email)
    link = f"{settings().public_url}/sign-in/link/{secret}"
    text = f"{email} is a master admin. Sign in within a day, once, with:\n{link}"
    show({"email": email, "link": link}, as_json, text)


COMMANDS = [account, admin]
