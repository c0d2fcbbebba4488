"""``gatehouse connection``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli.group import actor, json_option, show, with_app

KEY_STEPS = ("announce", "withdraw", "use", "forget")


@click.group("connection")
def connection() -> None:
    """Connect identity providers."""


@connection.command("add-saml")
@click.argument("account")
@click.option("--metadata", help="The provider's metadata: a file or an https:// address.")
@click.option("--entity-id", help="Instead of metadata: the provider's entity id, …")
@click.option("--sso-url", help="… where people sign in, …")
@click.option("--certificate", "files", multiple=True, help="… a file with its certificate, …")
@click.option("--slo-url", default="", help="… and where they sign out, if there is such.")
@click.option("--name", default="SAML", show_default=True, help="Name of the connection.")
@click.option(
    "--match-email",
    is_flag=True,
    help="Find people by the e-mail attribute too; safe where they cannot change it themselves.",
)
@json_option
@with_app
def add_saml(account: str, name: str, match_email: bool, as_json: bool, **provider: Any) -> None:
    """Connect an ACCOUNT to a SAML identity provider.

    Metadata at an address is read anew every few hours, so that a new certificate of the provider
    is known in time.
    """
    from app.directory import accounts
    from app.directory.work import transaction
    from app.security.requests import settings

    metadata = provider["metadata"] or ""
    url = metadata if metadata.startswith("https://") else ""
    described = _provider(**provider)
    options = {"match_email": match_email, "metadata_url": url}
    with transaction(accounts.find(account), actor()) as work:
        connection_id = _setup().register(work, name, described, **options)
    base = f"{settings().public_url}/saml/{connection_id}"
    result = {
        "id": connection_id,
        "metadata_url": f"{base}/metadata",
        "acs_url": f"{base}/acs",
        "slo_url": f"{base}/slo",
        "login_url": f"{base}/login",
    }
    text = (
        "Connected. Give the provider:\n"
        f"  metadata (also the entity id)   {base}/metadata\n"
        f"  assertion consumer service      {base}/acs\n"
        f"  single logout service           {base}/slo\n"
        f"People sign in at                 {base}/login"
    )
    show(result, as_json, text)


@connection.command("set")
@click.argument("account")
@click.argument("connection")
@click.option("--match-email/--no-match-email", default=None, help="Find people by e-mail too.")
@click.option("--sign-requests/--no-sign-requests", default=None)
@click.option("--force-authn/--no-force-authn", default=None, help="Sign in anew each time.")
@click.option(
    "--allow-unsolicited/--no-allow-unsolicited",
    default=None,
    help="Let people start at the provider's portal.",
)
@click.option("--require-encryption/--no-require-encryption", default=None)
@click.option("--name-id-format", help="A URI; empty: the provider's choice.")
@click.option("--authn-context", "authn_contexts", multiple=True, help="A URI; may be repeated.")
@click.option(
    "--second-factor-context",
    "second_factor_contexts",
    multiple=True,
    help="A way of signing in that counts as a second factor: a URI; repeatable; empty: none.",
)
@click.option(
    "--provisioning",
    type=click.Choice(["off", "create", "update"]),
    help="Make people nobody pushed at their first sign-in; keep them up to date.",
)
@click.option("--preset", help="Whose attribute names: okta, entra, onelogin, google, …")
@click.option(
    "--attribute",
    "pairs",
    multiple=True,
    help="email=mail: what the provider calls it; email= takes it away.",
)
@click.option(
    "--may-give", multiple=True, help="A role that accountRole and folders may name; repeatable."
)
@click.option("--single-logout/--no-single-logout", default=None, help="At the provider too.")
@click.option("--metadata-url", help="Read it anew from there; empty: no more.")
@click.option("--clock-skew-seconds", "--clock-skew", type=int, help="In seconds.")
@click.option("--session-hours", type=int, help="0: the setting of the installation.")
@click.option("--landing", help="The path people go on to, such as /folders.")
@json_option
@with_app
def set_(account: str, connection: str, as_json: bool, **options: Any) -> None:
    """Set options of a SAML CONNECTION (its name or id) of an ACCOUNT; without any, show them."""
    from app.directory import accounts
    from app.directory.work import transaction

    setup = _setup()
    given = {name: value for name, value in options.items() if value not in (None, ())}
    preset, pairs = given.pop("preset", None), given.pop("pairs", ())
    for name in given.keys() & {"authn_contexts", "second_factor_contexts", "may_give"}:
        given[name] = tuple(filter(None, given[name]))  # --may-give "" takes them away
    with transaction(accounts.find(account), actor()) as work:
        if preset or pairs:
            names = setup.configure(work, connection)["attribute_names"]
            given["attribute_names"] = setup.attribute_names(preset, pairs, names)
        stands = setup.configure(work, connection, **given)
    lines = (f"{name.replace('_', '-')}: {_in_words(value)}" for name, value in stands.items())
    show({"options": stands}, as_json, "\n".join(lines))


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{ours}={theirs}" for ours, theirs in sorted(value.items()))
    return ", ".join(value) if isinstance(value, list) else str(value)


@connection.command("renew-metadata")
@click.argument("account")
@click.argument("connection")
@click.option("--metadata", required=True, help="The provider's metadata: a file or an URL.")
@json_option
@with_app
def renew_metadata(account: str, connection: str, metadata: str, as_json: bool) -> None:
    """Read the provider's metadata of a SAML CONNECTION anew, as when its certificate changes."""
    from app.directory import accounts
    from app.directory.work import transaction

    provider = _provider(metadata)
    with transaction(accounts.find(account), actor()) as work:
        _setup().renew_metadata(work, connection, provider)
    count = len(provider.certificates)
    result = {"entity_id": provider.entity_id, "certificates": count}
    show(result, as_json, f"{provider.entity_id} signs with {count} certificate(s) now.")


@connection.command("key")
@click.argument("account")
@click.argument("connection")
@click.argument("step", type=click.Choice(KEY_STEPS), required=False)
@json_option
@with_app
def key(account: str, connection: str, step: str | None, as_json: bool) -> None:
    """Replace our key of a SAML CONNECTION without a gap; without a STEP, show where it stands.

    announce: make a new key and show it in our metadata beside the old one (withdraw: delete it
    again). Let the provider read our metadata again. use: sign with the new key; the old one still
    decrypts. forget: delete the old one.
    """
    from app.directory import accounts, connection_keys, connections
    from app.directory.work import transaction

    account_id = accounts.find(account)
    row = connections.find_saml(account_id, connection)
    if step is not None:
        with transaction(account_id, actor()) as work:
            if step == "announce":
                _setup().announce_key(work, row.id)
            elif step == "use":
                connection_keys.take_over(work, row.id)
            else:
                state = "next" if step == "withdraw" else "previous"
                connection_keys.forget(work, row.id, state)
    keys = connection_keys.stored(account_id, row.id)
    made = {state: each.created_at.isoformat() for state, each in keys.items()}
    text = "\n".join(f"{state}: made {moment}" for state, moment in made.items())
    show({"keys": made}, as_json, text)


@connection.command("rename")
@click.argument("account")
@click.argument("connection")
@click.argument("name")
@json_option
@with_app
def rename(account: str, connection: str, name: str, as_json: bool) -> None:
    """Give a CONNECTION (its name or id) of an ACCOUNT another NAME."""
    from app.directory import accounts, connections
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        changed = connections.rename(work, connections.find(account_id, connection), name)
    show({"name": name, "changed": changed}, as_json, f"{connection} is called {name} now.")


@connection.command("delete")
@click.argument("account")
@click.argument("connection")
@json_option
@with_app
def delete(account: str, connection: str, as_json: bool) -> None:
    """Delete a CONNECTION (its name or id) of an ACCOUNT, with its tokens, clients and keys.

    It must be out of use, and no domain and no mapping may refer to it. The people and groups that
    came through it stay, with all that they hold.
    """
    from app.directory import accounts, connection_deletion, connections
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        connection_id = connections.find(account_id, connection)
        was = connection_deletion.delete_connection(work, connection_id)
    result = {"id": connection_id, "users": was.users, "groups": was.groups}
    text = f"{was.name} is deleted. {was.users} user(s) and {was.groups} group(s) of it stay."
    show(result, as_json, text)


@connection.command("disable")
@click.argument("account")
@click.argument("connection")
@json_option
@with_app
def disable(account: str, connection: str, as_json: bool) -> None:
    """Take a CONNECTION out of use at once: nobody signs in or is pushed through it.

    Sessions opened through it end. What it made stays.
    """
    _switch(account, connection, False, as_json)


@connection.command("enable")
@click.argument("account")
@click.argument("connection")
@json_option
@with_app
def enable(account: str, connection: str, as_json: bool) -> None:
    """Take a CONNECTION into use again."""
    _switch(account, connection, True, as_json)


def _switch(account: str, connection: str, enabled: bool, as_json: bool) -> None:
    from app.directory import accounts, connections
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        changed = connections.set_enabled(work, connection, enabled)
    state = "in use" if enabled else "out of use"
    show({"enabled": enabled, "changed": changed}, as_json, f"{connection} is {state}.")


@connection.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the connections of an ACCOUNT."""
    from app.directory import accounts, connections

    found = connections.listed(accounts.find(account))
    result = [
        {
            "id": each.id,
            "kind": each.kind,
            "name": each.name,
            "enabled": each.enabled,
            "problem": each.problem,
        }
        for each in found
    ]
    text = "\n".join(
        f"{each.id}  {each.kind}  {each.name}{'' if each.enabled else '  (out of use)'}"
        + (f"\n  metadata not read anew: {each.problem}" if each.problem else "")
        for each in found
    )
    show({"connections": result}, as_json, text or "There is no connection.")


def _setup() -> Any:
    from app.saml_parts import saml_part

    return saml_part("setup")


def _provider(
    metadata: str | None,
    entity_id: str | None = None,
    sso_url: str | None = None,
    files: tuple[str, ...] = (),
    slo_url: str = "",
) -> Any:
    """Return the provider from where it is described: an address, a file, or fields."""
    setup = _setup()
    if metadata:
        is_address = metadata.startswith(("https://", "http://"))
        document = setup.fetch_metadata(metadata) if is_address else Path(metadata).read_bytes()
        return setup.from_metadata(document)
    if not (entity_id and sso_url and files):
        raise click.UsageError("Give --metadata, or --entity-id, --sso-url and --certificate.")
    certificates = [Path(file).read_text(encoding="utf-8", errors="replace") for file in files]
    return setup.from_fields(entity_id, sso_url, certificates, slo_url)


COMMANDS = [connection]
