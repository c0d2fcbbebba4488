"""Shared by all tests: an application on a fresh database, SQLite and PostgreSQL both."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from app import logs
from app.directory import accounts
from app.directory.work import Actor, Work, transaction
from app.factory import create_app
from app.settings import Settings
from app.store.database import close_database, upgrade_database
from tests.postgres import (
    PostgresMissing,
    RenewedDatabase,
    create_database,
    database_at,
    quickest_folder,
    temporary_postgres,
)

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


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Collect garbage in the tests to come too: ``gatehouse serve`` turns it off in its process."""
    gc.enable()


def make_app(database_url: str, **settings) -> Flask:
    return create_app(Settings(secret_key=SECRET_KEY, database_url=database_url, **settings))


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[Path]:
    """A migrated SQLite file, to be copied for each test."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-sqlite-", dir=quickest_folder()) as folder:
        path = Path(folder) / "template.sqlite3"
        _migrate(f"sqlite:///{path}")
        yield path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of the tests' own, with a migrated database ``template``."""
    try:
        with temporary_postgres() as url:
            create_database(url, "template")
            _migrate(database_at(url, "template"))
            yield url
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_database(postgres_server) -> RenewedDatabase:
    return RenewedDatabase(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request) -> str:
    """A fresh, migrated database, on each kind of server; each kind has one URL for all tests."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        path = template.with_name("test.sqlite3")
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(template, path)
        return f"sqlite:///{path}"
    database = request.getfixturevalue("postgres_database")
    database.renew()
    return database.url


@pytest.fixture
def app(database_url) -> Iterator[Flask]:
    """The application on a fresh database, with its context pushed."""
    with shared_app(database_url) as app, app.app_context():
        yield app


@contextmanager
def shared_app(database_url: str) -> Iterator[Flask]:
    """Lend the application on the database that is renewed for each test.

    One serves all tests: what it has compiled (templates, statements) is of use to the next, and
    what it knows is in its database. What a test set on it is taken back at the end.
    """
    app = _app_at(database_url)
    before = [(each, dict(each)) for each in (app.config, app.extensions)]
    logs.configure(app.extensions["gatehouse"])  # to where this test looks
    try:
        yield app
    finally:
        for each, content in before:
            each.clear()
            each.update(content)
        if database_url.startswith("sqlite"):  # The next test has another file.
            with app.app_context():
                close_database()


_app_at = cache(make_app)


@pytest.fixture
def account(app) -> str:
    """The id of a fresh account."""
    return accounts.create(CLI_ACTOR, "Acme")


def write(account_id: str, actor: Actor = CLI_ACTOR):
    """Open a write transaction as the tests' actor; yields the ``Work``."""
    return transaction(account_id, actor)


__all__ = ["CLI_ACTOR", "Work", "make_app", "write"]


def _migrate(database_url: str) -> None:
    with make_app(database_url).app_context():
        upgrade_database()
        close_database()
