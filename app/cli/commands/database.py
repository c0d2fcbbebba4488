"""``gatehouse db``."""

import click

from app.cli.group import application


@click.group("db")
def database() -> None:
    """Look after the database."""


@database.command("upgrade")
def upgrade() -> None:
    """Bring the tables up to date."""
    from app.store.database import upgrade_database

    with application(makes_key=True).app_context():
        upgrade_database()
    click.echo("The database is up to date.")


COMMANDS = [database]
