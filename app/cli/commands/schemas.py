"""``gatehouse schema``."""

from __future__ import annotations

from typing import IO, Any

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("schema")
def schema() -> None:
    """Declare SCIM schemas and attributes of an account's own."""


@schema.command("declare")
@click.argument("account")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--resource",
    type=click.Choice(["User", "Group"]),
    help="What it extends. Without it: what the id of a core schema says, otherwise User.",
)
@json_option
@with_app
def declare(account: str, file: IO[bytes], resource: str | None, as_json: bool) -> None:
    """Add or replace the schema in a FILE, a Schema resource (RFC 7643 §7), of an ACCOUNT."""
    from app.directory import accounts, schemas
    from app.directory.work import transaction

    document = _document(file)
    urn = str(document.get("id", ""))
    of_core = {core.lower(): name for core, name in schemas.CORE.items()}
    resource = resource or of_core.get(urn.lower(), "User")
    name = document.get("name") or urn
    with transaction(accounts.find(account), actor()) as work:
        changed = schemas.declare(work, urn, resource, name, document.get("attributes", []))
    text = f"{urn} is {'declared' if changed else 'as it was'}, for each {resource}."
    show({"id": urn, "resource": resource, "changed": changed}, as_json, text)


@schema.command("list")
@click.argument("account")
@json_option
@with_app
def list_schemas(account: str, as_json: bool) -> None:
    """List the schemas an ACCOUNT declares."""
    from app.directory import accounts, schemas

    declared = schemas.of_account(accounts.find(account))
    found = [
        {"id": each.urn, "resource": each.resource, "name": each.name}
        | {"attributes": each.attributes}
        for each in declared
    ]
    lines = [
        f"{each.urn}  ({each.resource}: {', '.join(one['name'] for one in each.attributes)})"
        for each in declared
    ]
    show({"schemas": found}, as_json, "\n".join(lines) or "No schema is declared.")


@schema.command("withdraw")
@click.argument("account")
@click.argument("urn")
@json_option
@with_app
def withdraw(account: str, urn: str, as_json: bool) -> None:
    """Withdraw the schema with a URN from an ACCOUNT. What users and groups hold stays stored."""
    from app.directory import accounts, schemas
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        schemas.withdraw(work, urn)
    show({"withdrawn": urn}, as_json, f"{urn} is withdrawn.")


_KNOWN = ("schemas", "id", "name", "description", "attributes", "meta")


def _document(file: IO[bytes]) -> dict[str, Any]:
    """Return the Schema resource in a file.

    :raises UsageError: When it holds none.
    """
    import orjson

    try:
        document = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{file.name} is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise click.UsageError(f"{file.name} must hold one JSON object.")
    unknown = [key for key in document if key not in _KNOWN]
    if unknown:
        raise click.UsageError(f"{unknown[0]!r} is no attribute of a Schema resource.")
    return document


COMMANDS = [schema]
