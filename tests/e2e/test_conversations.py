"""What real SCIM clients send, replayed over HTTP; the store is looked at after every step."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from app.directory.profiles import value_entry
from app.security.requests import settings
from app.security.sessions import cookie_name
from app.store.database import close_database
from app.store.models import Group, Membership, User, UserValue
from tests.conftest import make_app
from tests.e2e.replay import load, replay
from tests.e2e.server import Server, gatehouse, running_server
from tests.factories import a_session
from tests.inspection import row, rows
from tests.postgres import create_database, database_at

CONVERSATIONS = sorted((Path(__file__).parents[2] / "idp-fixtures" / "scim").glob("*.json"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request, tmp_path_factory) -> Iterator[Server]:
    """A running Gatehouse on a migrated database, for all conversations."""
    folder = tmp_path_factory.mktemp("conversations")
    if request.param == "sqlite":
        file = folder / "gatehouse.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        database_url = f"sqlite:///{file}"
    else:
        server_url = request.getfixturevalue("postgres_server")
        create_database(server_url, "conversations", template="template")
        database_url = database_at(server_url, "conversations")
    with running_server(database_url, folder / "data") as server:
        yield server


@pytest.fixture
def app(server) -> Iterator[Flask]:
    """The application on the server's database, to look at its tables."""
    app = make_app(server.database_url)
    with app.app_context():
        yield app
        close_database()


@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: path.stem)
def test_conversation(server, app, path):
    account = gatehouse("account", "create", path.stem, env=server.env)
    token = gatehouse(
        *("token", "create", path.stem, "--name", "recorded", "--scope", "users,groups"),
        env=server.env,
    )
    replay(load(path), token["scim_base"], token["token"], Account(server, account["id"]))


class Account:
    """The directory of one account, read from its tables; sessions are tried on the server."""

    def __init__(self, server: Server, account_id: str) -> None:
        self.server = server
        self.id = account_id
        self.sessions: dict[str, str] = {}

    def sign_in(self, user_name: str) -> None:
        user = row(User, account_id=self.id, user_name=user_name)
        self.sessions[user.id] = a_session(self.id, user.id)

    def state(self) -> dict[str, Any]:
        users = {user.id: user for user in rows(User, account_id=self.id)}
        return {
            "users": {user.user_name: self._attributes(user) for user in users.values()},
            "groups": {
                group.display_name: [
                    users[membership.user_id].user_name
                    for membership in rows(Membership, account_id=self.id, group_id=group.id)
                ]
                for group in rows(Group, account_id=self.id)
            },
            "signed_in": [
                users[user_id].user_name
                for user_id, secret in self.sessions.items()
                if self._lets_in(secret)
            ],
        }

    def _lets_in(self, secret: str) -> bool:
        """Ask the server for the page of the person with this session."""
        cookies = {cookie_name(settings()): secret}
        page = requests.get(
            f"{self.server.url}/", cookies=cookies, allow_redirects=False, timeout=10
        )
        assert page.status_code in (200, 302, 303), page.text
        return page.status_code == 200

    def _attributes(self, user: Any) -> dict[str, Any]:
        """Return what is stored of a user, by SCIM names."""
        found = {
            "active": user.active,
            "displayName": user.display_name,
            "externalId": user.external_id,
            **user.attributes,
        }
        for value in rows(UserValue, account_id=self.id, user_id=user.id):
            found.setdefault(value.attribute, []).append(value_entry(value))
        return found
