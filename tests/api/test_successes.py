"""Every operation of the API can be done: each, as it is described, with things that are there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import current_app

from app.api.openapi import METHODS, document
from app.directory import connections
from app.operations import run_all
from app.store.types import now
from tests import drift
from tests.api.v1.client import an_api_token, forget_the_last_request, signed_in
from tests.api.v1.world import ids_of_everything
from tests.conftest import write
from tests.factories import a_connection, a_group, a_user
from tests.imports import CONSOLE, a_file
from tests.streams import a_stream, let_in

NAMED = re.compile(r"{(\w+)}")
DESCRIBED = {
    (method, path): item[method]
    for path, item in document()["paths"].items()
    for method in METHODS
    if method in item
}
SOON = (now() + timedelta(days=7)).isoformat()

QUERIES = {
    "/api/v1/users/{user_id}/explanation": {"action": "user.view"},
    "/api/v1/account/access": {"action": "user.view"},
    "/api/v1/past/users/{user_id}/access": {"at": "{now}"},
    "/api/v1/past/folders/{folder_id}/access": {"at": "{now}"},
    "/api/v1/past/account/access": {"at": "{now}", "action": "user.view"},
    "/api/v1/trash": {"type": "user"},
}
"""What must be asked with, by path."""
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/users"): {"user_name": "new"},
    ("patch", "/users/{user_id}"): {"display_name": "New"},
    ("post", "/groups"): {"display_name": "New"},
    ("patch", "/groups/{group_id}"): {"display_name": "New"},
    ("post", "/groups/{group_id}/members"): {"members": ["{member_id}"]},
    ("post", "/roles"): {"scope": "folder", "name": "new", "permissions": ["folder.view"]},
    ("patch", "/roles/{role_id}"): {"description": "New"},
    ("post", "/folders"): {"name": "New"},
    ("patch", "/folders/{folder_id}"): {"name": "New"},
    ("post", "/grants"): {
        "principal": {"type": "user", "id": "{user_id}"},
        "role_id": "viewer",
        "folder_id": "{folder_id}",
    },
    ("patch", "/grants/{grant_id}"): {"reason": "new"},
    ("post", "/mappings"): {"match_value": "New", "role_id": "reports"},
    ("post", "/users/{user_id}/invitation"): {"send": False},
    ("post", "/users/{user_id}/password-reset"): {"send": False},
    ("post", "/connections"): {"kind": "scim", "name": "New"},
    ("patch", "/connections/{connection_id}"): {"name": "New"},
    ("patch", "/connections/{connection_id}/options"): {"session_hours": 8},
    ("put", "/domains/{domain}"): {"connection_id": "{saml}"},
    ("post", "/tokens"): {"surface": "api", "name": "New", "scopes": ["user.view"]},
    ("post", "/addresses"): {"surface": "scim", "network": "198.51.100.0/24"},
    ("post", "/addresses/preview"): {"surface": "scim", "networks": ["198.51.100.0/24"]},
    ("patch", "/addresses/{rule_id}"): {"note": "New"},
    ("post", "/streams"): {"name": "New", "delivery": "poll"},
    ("patch", "/streams/{stream_id}"): {"name": "New"},
    ("put", "/streams/{stream_id}/status"): {"status": "paused"},
    ("post", "/streams/{stream_id}/replay"): {"since": "{now}"},
    ("post", "/reviews"): {"name": "New", "what": "role", "target_id": "editor", "due_at": SOON},
    ("post", "/reviews/{review_id}/decisions"): {"items": ["none"], "decision": "keep"},
    ("patch", "/account"): {"keeps_unknown": True},
}
"""What is sent where an empty object would not do, by method and path."""


def a_done_report(account: str, ids: dict[str, str]) -> None:
    ids["report_id"] = drift.begin(account, a_connection(account), a_file(3), CONSOLE)
    run_all()


def out_of_use(account: str, ids: dict[str, str]) -> None:
    with write(account) as work:
        connections.set_enabled(work, ids["connection_id"], False)


def a_member(account: str, ids: dict[str, str]) -> None:
    ids["group_id"] = a_group(account, members=[ids["member_id"]])


def a_pushed_stream(account: str, ids: dict[str, str]) -> None:
    """Nobody listens where it goes: what comes of the trial is told all the same."""
    let_in(current_app)
    ids["stream_id"] = a_stream(account, "pushed", endpoint="http://127.0.0.1:1/").id


def of_saml(account: str, ids: dict[str, str]) -> None:
    ids["connection_id"] = ids["saml"]


PREPARED = {
    ("post", "/drift-reports/{report_id}/fix"): a_done_report,
    ("delete", "/connections/{connection_id}"): out_of_use,
    ("delete", "/groups/{group_id}/members/{member_id}"): a_member,
    ("post", "/streams/{stream_id}/test"): a_pushed_stream,
    ("get", "/connections/{connection_id}/options"): of_saml,
    ("patch", "/connections/{connection_id}/options"): of_saml,
}
"""What must be so before, by method and path."""


def filled(value: Any, ids: dict[str, str]) -> Any:
    """What is sent, with ids in place of their names."""
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    return NAMED.sub(lambda found: ids[found[1]], value) if isinstance(value, str) else value


def test_nothing_is_sent_to_what_is_not_described():
    known = {(method, path.removeprefix("/api/v1")) for method, path in DESCRIBED}
    assert BODIES.keys() | PREPARED.keys() <= known
    assert QUERIES.keys() <= {path for _, path in DESCRIBED}


def test_a_person_is_told_what_they_reach(app, account):
    """The one operation that no program can do."""
    assert signed_in(app, account, a_user(account)).get("/me/access").status_code == 200


FOR_PROGRAMS = [each for each in DESCRIBED if each != ("get", "/api/v1/me/access")]


@pytest.mark.parametrize(("method", "path"), FOR_PROGRAMS, ids=lambda each: each)
def test_it_succeeds(app, account, method, path):
    a_user(account)
    every = ids_of_everything(account)
    ids = {name: found[0] for name, found in every.items()}
    ids |= {"saml": every["connection_id"][-1], "now": now().isoformat()}
    short = (method, path.removeprefix("/api/v1"))
    if short in PREPARED:
        PREPARED[short](account, ids)
    sent: dict[str, Any] = {}
    query = filled(QUERIES.get(path, {}), ids)
    if "application/json" in DESCRIBED[method, path].get("requestBody", {}).get("content", {}):
        sent["json"] = filled(BODIES.get(short, {}), ids)
    if short == ("post", "/drift-reports"):
        sent = {"data": "userName\nada\n", "content_type": "text/csv"}
        query = {"connection_id": ids["connection_id"]}
    forget_the_last_request()
    answer = app.test_client(use_cookies=False).open(
        filled(path, ids),
        method=method.upper(),
        query_string=query,
        headers={"Authorization": f"Bearer {an_api_token(account)}"},
        **sent,
    )
    assert 200 <= answer.status_code < 300, answer.text
    assert str(answer.status_code) in DESCRIBED[method, path]["responses"]
