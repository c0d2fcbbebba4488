"""``gatehouse db``."""

import click

from app.cli.group import application


@click.group("db")
def database() -> None:
    """Look after the database."""


@database.command("upgrade")
def upgrade() -> None:
    """Bring the tables up to date."""
    from app.security.requests import settings
    from app.store.database import keep_private, upgrade_database

    with application(makes_key=True).app_context():
        if settings().embedded:
            keep_private(settings().embedded_file)
        upgrade_database()
    click.echo("The database is up to date.")


COMMANDS = [database]
