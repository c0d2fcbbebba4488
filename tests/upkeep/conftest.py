"""A backup of a small installation, and another place to restore it to."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.directory import audit_chain
from app.settings import Settings
from app.store.database import db
from app.upkeep.backup import back_up
from tests.conftest import SECRET_KEY
from tests.factories import a_group, a_user
from tests.postgres import create_database, database_at


@pytest.fixture
def settings(app) -> Settings:
    return app.extensions["gatehouse"]


@pytest.fixture
def filled(app, account) -> str:
    """An account with two people in a group, and a sealed audit log; its id."""
    a_group(account, members=[a_user(account, "ada@example.com"), a_user(account)])
    audit_chain.seal_all()
    db.session.remove()
    return account


@pytest.fixture
def backup(filled, settings, tmp_path) -> Path:
    path = tmp_path / "gatehouse.backup"
    back_up(path, settings)
    return path


@pytest.fixture
def elsewhere(database_url, tmp_path, request) -> Settings:
    """The settings of another installation, of the same kind, with nothing in it."""
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'new' / 'gatehouse.sqlite3'}"
    else:
        server = request.getfixturevalue("postgres_server")
        create_database(server, "elsewhere")
        url = database_at(server, "elsewhere")
    return Settings(secret_key=SECRET_KEY, database_url=url)
