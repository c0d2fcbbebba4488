"""``gatehouse account`` and ``gatehouse admin``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("account")
def account() -> None:
    """Add accounts (one for each customer), and choose how they work."""


@account.command("create")
@click.argument("name")
@json_option
@with_app
def create_account(name: str, as_json: bool) -> None:
    """Add an account."""
    from app.directory import accounts

    account_id = accounts.create(actor(), name)
    show({"id": account_id, "name": name}, as_json, f"Account {name} is there: {account_id}")


@account.command("set")
@click.argument("account")
@click.option(
    "--unknown-attributes",
    "unknown",
    required=True,
    type=click.Choice(["keep", "ignore"]),
    help="What becomes of attributes that no SCIM schema declares.",
)
@json_option
@with_app
def set_account(account: str, unknown: str, as_json: bool) -> None:
    """Choose how an ACCOUNT works."""
    from app.directory import accounts
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        changed = accounts.set_keeps_unknown(work, unknown == "keep")
    does = "keeps" if unknown == "keep" else "ignores"
    text = f"{account} {does} attributes that no schema declares."
    show({"unknown_attributes": unknown, "changed": changed}, as_json, text)


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
