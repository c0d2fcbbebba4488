"""``gatehouse db``."""

import click

from app.cli.group import with_app


@click.group("db")
def database() -> None:
    """Look after the database."""


@database.command("upgrade")
@with_app
def upgrade() -> None:
    """Bring the tables up to date."""
    from app.store.database import upgrade_database

    upgrade_database()
    click.echo("The database is up to date.")


COMMANDS = [database]
