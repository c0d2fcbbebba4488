"""The one place that wires everything."""

from __future__ import annotations

from flask import Flask

from app.settings import Settings
from app.store.database import init_database


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application.

    :param settings: Read from the environment when not given.
    :raises SettingsError: When a setting is missing or cannot be read.
    """
    settings = settings or Settings.from_environment()
    app = Flask(__name__, static_folder=None)
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["gatehouse"] = settings
    init_database(app, settings.resolved_database_url)
    return app


def main() -> None:
    """The ``gatehouse`` command."""
    from app.cli import cli

    cli(obj=create_app)
