"""``gatehouse sign-in``: why did it fail, and what would it do?"""

from __future__ import annotations

from typing import Any

import click

from app.cli.group import json_option, show, with_app


@click.group("sign-in")
def sign_in() -> None:
    """Understand sign-ins through SAML."""


@sign_in.command("test")
@click.argument("account")
@click.argument("connection")
@click.option(
    "--response",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="A file with the form field SAMLResponse, or its XML; - reads what you paste.",
)
@json_option
@with_app
def test(account: str, connection: str, response: str, as_json: bool) -> None:
    """Show, check by check, what a SAML response would do at a CONNECTION; it signs nobody in.

    Find the response in the browser: developer tools, network, the request to …/acs.
    """
    from app.directory import accounts, connections
    from app.saml_parts import saml_part

    row = connections.find_saml(accounts.find(account), connection)
    with click.open_file(response, "rb") as file:
        report = saml_part("tester").test_of(row.id, file.read())
    outcome = vars(report.outcome) if report.outcome else None
    result = {
        "judged_at": report.judged_at.isoformat(),
        "checks": [vars(check) for check in report.checks],
        "name_id": report.name_id,
        "attributes": report.attributes,
        "understood": report.understood,
        "outcome": outcome,
    }
    show(result, as_json, _as_text(result))


@sign_in.command("failures")
@click.argument("account")
@click.argument("connection")
@json_option
@with_app
def failures(account: str, connection: str, as_json: bool) -> None:
    """List the sign-ins at a CONNECTION that failed within a week, the newest first."""
    from app.directory import accounts, connections, traces

    account_id = accounts.find(account)
    rows = traces.listed(account_id, connections.find_saml(account_id, connection).id)
    result = [
        {"at": row.at.isoformat(), "number": row.request_id, "reason": row.reason} for row in rows
    ]
    text = "\n".join(f"{each['at']}  {each['number']}  {each['reason']}" for each in result)
    show({"failures": result}, as_json, text or "No sign-in failed within a week.")


@sign_in.command("why")
@click.argument("account")
@click.argument("number")
@json_option
@with_app
def why(account: str, number: str, as_json: bool) -> None:
    """Show why a sign-in failed. The NUMBER stands on the page that the person saw."""
    from app.directory import accounts, traces

    row = traces.find(accounts.find(account), number)
    result = {
        "at": row.at.isoformat(),
        "checks": row.checks,
        "name_id": row.name_id,
        "attributes": row.attributes,
        "reason": row.reason,
    }
    show(result, as_json, _as_text(result))


def _as_text(result: dict[str, Any]) -> str:
    lines = [
        f"{'ok    ' if check['passed'] else 'FAILED'}  {check['name']}"
        + (f": {check['detail']}" if check["detail"] else "")
        for check in result["checks"]
    ]
    if result["name_id"]:
        lines.append(f"NameID: {result['name_id']}")
    lines += [f"{name}: {', '.join(values)}" for name, values in result["attributes"].items()]
    for name, value in result.get("understood", {}).items():
        shown = ", ".join(value) if isinstance(value, list) else value
        lines.append(f"understood as {name}: {shown}")
    if result.get("outcome"):
        outcome = result["outcome"]
        lines.append(f"Would sign in as {outcome['user_name']}.")
        lines.append(f"Account roles: {', '.join(outcome['account_roles']) or 'none'}")
        lines += [f"{path}: {', '.join(roles)}" for path, roles in outcome["folders"].items()]
    elif "outcome" in result:
        lines.append("Nobody would sign in.")
    return "\n".join(lines)


COMMANDS = [sign_in]
