"""A SCIM client of a fresh account, and the storage behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.directory import connections, tokens
from app.directory.work import Actor
from scim.routes import PREFIX
from scim.service import service_for
from scim.storage import DirectoryStorage
from tests.conftest import write
from tests.factories import name_of_next_token

JSON = dict[str, Any]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass
class ScimClient:
    """Speaks SCIM to the application, as a provider with a token would."""

    app: Flask
    token: str
    account_id: str = ""

    def call(
        self, method: str, path: str, body: Any = None, *, query: JSON | None = None, **headers: str
    ) -> TestResponse:
        """Send one request; header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().open(
            PREFIX + path,
            method=method,
            json=body,
            query_string=query,
            headers={"Authorization": f"Bearer {self.token}"} | sent,
        )

    def get(self, path: str, **query: Any) -> JSON:
        """GET, expecting 200, and return the body."""
        return self._body(self.call("GET", path, query=query), 200)

    def create(self, path: str, **body: Any) -> JSON:
        """POST, expecting 201, and return the body."""
        body = {"schemas": [USER if path == "/Users" else GROUP]} | body
        return self._body(self.call("POST", path, body), 201)

    def put(self, path: str, **body: Any) -> JSON:
        body = {"schemas": [USER if path.startswith("/Users") else GROUP]} | body
        return self._body(self.call("PUT", path, body), 200)

    def patch(self, path: str, *operations: JSON) -> JSON:
        return self._body(self.call("PATCH", path, patch_body(*operations)), 200)

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> JSON:
        """Send a request expecting a SCIM Error, and return it."""
        answer = self.call(method, path, body, **options)
        error = answer.get_json()
        assert answer.content_type == "application/scim+json"
        assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert error["status"] == str(answer.status_code)
        assert answer.status_code >= 400
        return error

    def found(self, path: str, scim_filter: str) -> list[str]:
        """Return the userNames or displayNames a filter finds, sorted."""
        listed = self.get(path, filter=scim_filter)
        resources = listed.get("Resources", [])
        assert listed["totalResults"] == len(resources)
        return sorted(each.get("userName") or each["displayName"] for each in resources)

    @staticmethod
    def _body(answer: TestResponse, status: int) -> JSON:
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()


def patch_body(*operations: JSON) -> JSON:
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations),
    }


def new_client(
    app: Flask, account_id: str, *scopes: str, connection: str = "Provider"
) -> ScimClient:
    """Return a client with a new token of the account."""
    with write(account_id) as work:
        connection_id = connections.find_or_create_scim(work, connection)
        name = name_of_next_token(account_id)
        token = tokens.create(work, connection_id, name, scopes or ("users", "groups"))
    return ScimClient(app, token.secret, account_id)


@pytest.fixture
def scim(app, account) -> ScimClient:
    return new_client(app, account)


@pytest.fixture
def storage(app, account) -> DirectoryStorage:
    actor = Actor(type="system", name="tests", surface="scim")
    return DirectoryStorage(
        service_for("x" * 32).provider, account, actor, "https://example.com/scim/v2"
    )
