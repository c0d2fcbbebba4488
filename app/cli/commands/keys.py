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
    """Make a new key. It is published at once, and signs in an hour; the old one goes in a day."""
    from app.directory import signing_keys
    from app.security.requests import settings

    key_id = signing_keys.rotate(settings().secret_key)
    show({"kid": key_id}, as_json, f"{key_id} is published, and signs in an hour.")


COMMANDS = [key]
