"""``gatehouse role``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("role")
def role() -> None:
    """Choose what holding a role asks for."""


@role.command("require-second-factor")
@click.argument("account")
@click.argument("role")
@click.option(
    "--scope",
    type=click.Choice(["account", "folder"]),
    help="Where the role is given; needed when there are two of this name.",
)
@click.option("--off", is_flag=True, help="Do not require it any more.")
@json_option
@with_app
def require_second_factor(
    account: str, role: str, scope: str | None, off: bool, as_json: bool
) -> None:
    """Let whoever holds a ROLE of an ACCOUNT prove with a second factor who they are.

    Sessions of theirs opened without one end; who has none gets one at the next sign-in.
    """
    from app.directory import accounts, second_factor
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        changed = second_factor.require(work, not off, _find(account_id, role, scope))
    needs = "needs no second factor" if off else "needs a second factor"
    result = {"role": role, "requires_second_factor": not off, "changed": changed}
    show(result, as_json, f"Whoever holds {role} {needs}.")


def _find(account_id: str, name: str, scope: str | None) -> str:
    from app.directory import roles

    if scope is not None:
        return roles.find(account_id, scope, name)
    found = roles.named(account_id, [name])
    if len(found) > 1:
        raise click.UsageError(f"There are two roles {name}. Give --scope.")
    return found[0]


COMMANDS = [role]
