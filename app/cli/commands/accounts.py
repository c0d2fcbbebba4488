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


@account.command("list")
@json_option
@with_app
def list_(as_json: bool) -> None:
    """List the accounts."""
    from app.directory import accounts

    found = accounts.listed()
    text = "\n".join(f"{id_}  {name}" for id_, name in found) or "There is no account."
    show({"accounts": [{"id": id_, "name": name} for id_, name in found]}, as_json, text)


@account.command("set")
@click.argument("account")
@click.option(
    "--unknown-attributes",
    "unknown",
    type=click.Choice(["keep", "ignore"]),
    help="What becomes of attributes that no SCIM schema declares.",
)
@click.option(
    "--require-saml/--no-require-saml",
    "required",
    default=None,
    help="People sign in through SAML and in no other way, but for those who break glass.",
)
@json_option
@with_app
def set_account(account: str, unknown: str | None, required: bool | None, as_json: bool) -> None:
    """Choose how an ACCOUNT works."""
    from app.directory import accounts, requiring_saml
    from app.directory.work import transaction

    if unknown is None and required is None:
        raise click.UsageError("Give --unknown-attributes or --require-saml.")
    result: dict[str, object] = {}
    lines = []
    with transaction(accounts.find(account), actor()) as work:
        if unknown is not None:
            changed = accounts.set_keeps_unknown(work, unknown == "keep")
            result |= {"unknown_attributes": unknown, "changed": changed}
            does = "keeps" if unknown == "keep" else "ignores"
            lines.append(f"{account} {does} attributes that no schema declares.")
        if required is not None:
            changed = requiring_saml.require(work, required)
            result |= {"requires_saml": required, "changed": changed}
            ways = "through SAML only" if required else "in every way there is"
            lines.append(f"People of {account} sign in {ways}.")
    show(result, as_json, "\n".join(lines))


@account.command("require-second-factor")
@click.argument("account")
@click.option("--off", is_flag=True, help="Do not require it any more.")
@json_option
@with_app
def require_second_factor(account: str, off: bool, as_json: bool) -> None:
    """Let everybody of an ACCOUNT prove with a second factor who they are.

    Sessions opened without one end; who has none gets one at the next sign-in.
    """
    from app.directory import accounts, second_factor
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        changed = second_factor.require(work, not off)
    needs = "need no second factor" if off else "need a second factor"
    result = {"requires_second_factor": not off, "changed": changed}
    show(result, as_json, f"People of {account} {needs}.")


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


@admin.command("break-glass")
@click.argument("email")
@click.option("--account", "account_name", help="The account; not needed when there is just one.")
@click.option("--off", is_flag=True, help="Take it back.")
@json_option
@with_app
def break_glass(email: str, account_name: str | None, off: bool, as_json: bool) -> None:
    """Let a user sign in without SAML where the account requires it; each use is audited."""
    from app.directory import accounts, grants, requiring_saml
    from app.directory.work import transaction

    account_id = accounts.find(account_name) if account_name else accounts.only_one()
    with transaction(account_id, actor()) as work:
        user = grants.principal_named(account_id, "user", email)
        changed = requiring_saml.set_break_glass(work, user.id, not off)
    may = "may not break glass any more" if off else "may break glass: sign in without SAML"
    show({"email": email, "break_glass": not off, "changed": changed}, as_json, f"{email} {may}.")


COMMANDS = [account, admin]
