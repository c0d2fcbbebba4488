"""The checks Okta asks an integration to pass before it is published, one by one.

Okta publishes them as a run of requests with assertions for a hosted test service; these are the
same requests and the same assertions, but for the time limits, which belong in a benchmark.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from scim.routes import PREFIX
from tests.scim.conftest import USER

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
HEADERS = {
    "Accept-Charset": "utf-8",
    "Content-Type": "application/scim+json; charset=utf-8",
    "Accept": "application/scim+json",
    "User-Agent": "OKTA SCIM Integration",
}
GRACE = {
    "schemas": [USER],
    "userName": "grace.hopper@example.com",
    "name": {"givenName": "Grace", "familyName": "Hopper"},
    "emails": [{"primary": True, "value": "grace.hopper@example.com", "type": "work"}],
    "displayName": "Grace Hopper",
    "active": True,
}


@pytest.fixture
def okta(scim):
    def ask(method: str, path: str, body: Any = None, **query: str):
        data = {"data": body} if isinstance(body, str) else {"json": body} if body else {}
        headers = {"Authorization": f"Bearer {scim.token}"} | (
            {"Accept": HEADERS["Accept"]} if isinstance(body, dict) else HEADERS
        )
        answer = scim.app.test_client().open(
            PREFIX + path, method=method, headers=headers, query_string=query, **data
        )
        return answer.status_code, answer.get_json()

    return ask


@pytest.fixture
def ada(scim):
    """The suite wants one user to be there already."""
    return scim.create(
        "/Users",
        userName="ada@example.com",
        name={"givenName": "Ada", "familyName": "Lovelace"},
        emails=[{"value": "ada@example.com"}],
        active=True,
    )


def at(document: Any, path: str) -> Any:
    """Return what stands at a path such as ``Resources[0].name.familyName``."""
    for step in re.findall(r"[^.\[\]]+", path):
        document = document[int(step)] if step.isdigit() else document[step]
    return document


def not_empty(document: Any, *paths: str) -> None:
    for path in paths:
        assert at(document, path) not in (None, "", [], {}), path


def test_the_service_provider_config(okta):
    status, body = okta("GET", "/ServiceProviderConfig")
    assert status == 200
    assert CONFIG in body["schemas"]
    not_empty(body, "schemas", "patch", "bulk", "filter", "changePassword", "sort", "etag")
    not_empty(body, "authenticationSchemes", "authenticationSchemes[0].type")
    not_empty(body, "authenticationSchemes[0].description", "etag.supported", "sort.supported")
    not_empty(body, "changePassword.supported", "filter.maxResults", "filter.supported")
    not_empty(body, "bulk.supported", "bulk.maxOperations", "bulk.maxPayloadSize")
    not_empty(body, "patch.supported")


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_discovery_is_read_only(okta, path):
    assert okta("POST", path, "test")[0] == 405


def test_resource_types_and_schemas(okta):
    status, body = okta("GET", "/ResourceTypes")
    assert (status, LIST in body["schemas"]) == (200, True)
    not_empty(body, "Resources", "Resources[0].name", "Resources[0].endpoint")
    not_empty(body, "Resources[0].schema")
    status, body = okta("GET", "/Schemas")
    assert (status, LIST in body["schemas"]) == (200, True)
    not_empty(body, "Resources", "Resources[0].id", "Resources[0].attributes")


def test_the_users_endpoint(okta, ada):
    status, body = okta("GET", "/Users", count="1", startIndex="1")
    assert (status, LIST in body["schemas"]) == (200, True)
    for name in ("itemsPerPage", "startIndex", "totalResults"):
        assert isinstance(body[name], int)
    not_empty(body, "Resources", "Resources[0].id", "Resources[0].name.familyName")
    not_empty(body, "Resources[0].name.givenName", "Resources[0].userName", "Resources[0].active")
    assert "value" in at(body, "Resources[0].emails[0]")


def test_one_user(okta, ada):
    status, body = okta("GET", f"/Users/{ada['id']}")
    assert (status, body["id"]) == (200, ada["id"])
    not_empty(body, "id", "name.familyName", "name.givenName", "userName", "active")
    not_empty(body, "emails[0].value")


def test_who_is_not_there(okta):
    status, body = okta("GET", "/Users", filter='userName eq "abcdefgh@atko.com"')
    assert (status, LIST in body["schemas"], body["totalResults"]) == (200, True, 0)
    status, body = okta("GET", "/Users/010101001010101011001010101011")
    assert (status, ERROR in body["schemas"]) == (404, True)
    not_empty(body, "detail")


def test_a_user_is_created_once(okta):
    status, body = okta("GET", "/Users", filter=f'userName eq "{GRACE["userName"]}"')
    assert (status, body["totalResults"], LIST in body["schemas"]) == (200, 0, True)
    status, made = okta("POST", "/Users", GRACE)
    assert (status, made["active"], USER in made["schemas"]) == (201, True, True)
    not_empty(made, "id")
    assert (made["name"], made["userName"]) == (GRACE["name"], GRACE["userName"])
    status, read = okta("GET", f"/Users/{made['id']}")
    assert (status, read["userName"], read["name"]) == (200, GRACE["userName"], GRACE["name"])
    assert okta("POST", "/Users", GRACE)[0] == 409


def test_a_filter_that_is_none_is_refused(okta):
    assert okta("GET", "/Users", filter=GRACE["userName"].upper())[0] == 400


def test_the_groups_endpoint(okta, scim):
    scim.create("/Groups", displayName="Engineers")
    status, body = okta("GET", "/Groups")
    assert (status, body["totalResults"]) == (200, 1)
    assert isinstance(body["Resources"], list)
