"""``gatehouse key``."""

from __future__ import annotations

import click

from app.cli.group import json_option, show, with_app


@click.group("key")
def key() -> None:
    """The keys that sign the tokens applications read."""


@key.command("rotate")
@json_option
@with_app
def rotate(as_json: bool) -> None:
    """Make a new key. It is published at once, and signs in an hour; the old one goes in a day.

    Where the secret key opens no older one, as it was lost, it signs at once.
    """
    from app.directory import signing_keys
    from app.security.requests import settings

    secret_key = settings().secret_key
    key_id = signing_keys.rotate(secret_key)
    signs_now = signing_keys.key_to_sign_with(secret_key).id == key_id
    when = "at once, as there is no older one that can be opened" if signs_now else "in an hour"
    show({"kid": key_id}, as_json, f"{key_id} is published, and signs {when}.")


COMMANDS = [key]
