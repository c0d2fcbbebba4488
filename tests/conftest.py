"""Shared by all tests: an application on a fresh database, SQLite and PostgreSQL both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from app.directory import accounts
from app.directory.work import Actor, Work, transaction
from app.factory import create_app
from app.settings import Settings
from app.store.database import db, upgrade_database
from app.store.types import new_id
from tests.postgres import PostgresMissing, temporary_postgres

ALL_REQUIRED = os.environ.get("GATEHOUSE_TEST_ALL") == "1"
SECRET_KEY = "a key for tests alone, 32 characters and more"
CLI_ACTOR = Actor(type="system", name="tests", surface="cli")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With GATEHOUSE_TEST_ALL=1, a test that would be skipped fails and says why."""
    report = yield
    if ALL_REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although GATEHOUSE_TEST_ALL=1: {report.longrepr}"
    return report


def make_app(database_url: str, **settings) -> Flask:
    return create_app(Settings(secret_key=SECRET_KEY, database_url=database_url, **settings))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A migrated SQLite file, to be copied for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    app = make_app(f"sqlite:///{path}")
    with app.app_context():
        upgrade_database()
        db.session.remove()
        db.engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of the tests' own, with a migrated database ``template``."""
    try:
        with temporary_postgres() as url:
            _on_server(url, "CREATE DATABASE template")
            app = make_app(_database(url, "template"))
            with app.app_context():
                upgrade_database()
                db.session.remove()
                db.engine.dispose()
            yield url
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path) -> Iterator[str]:
    """A fresh, migrated database, on each kind of server."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"test_{new_id().replace('-', '')}"
    _on_server(server, f"CREATE DATABASE {name} TEMPLATE template")
    yield _database(server, name)
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app(database_url) -> Iterator[Flask]:
    """The application on a fresh database, with its context pushed."""
    app = make_app(database_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def account(app) -> str:
    """The id of a fresh account."""
    return accounts.create(CLI_ACTOR, "Acme")


def write(account_id: str, actor: Actor = CLI_ACTOR):
    """Open a write transaction as the tests' actor; yields the ``Work``."""
    return transaction(account_id, actor)


__all__ = ["CLI_ACTOR", "Work", "make_app", "write"]


def _database(server_url: str, name: str) -> str:
    return server_url.rsplit("/", 1)[0] + f"/{name}"


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
