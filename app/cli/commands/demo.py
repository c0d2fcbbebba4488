"""``gatehouse demo``."""

from __future__ import annotations

import click


@click.command("demo")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    envvar="GATEHOUSE_PORT",
    type=click.IntRange(1, 65535),
)
@click.option("--exit", "leave", is_flag=True, help="Stop at the end instead of leaving it open.")
def demo(port: int, leave: bool) -> None:
    """Walk from a SCIM push to a SAML sign-in and out again, on data of its own."""
    from app.cli.demo.story import tell

    tell(port, leave)


COMMANDS = [demo]
