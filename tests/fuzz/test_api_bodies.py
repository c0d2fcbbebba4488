"""JSON that is deep or wide, sent to every operation of the admin API and of AuthZEN."""

from __future__ import annotations

import pytest

from app.api.openapi import document
from tests.api.v1.client import an_api_token
from tests.api.v1.world import QUERIES, ids_of_everything
from tests.fuzz.measures import within

WITH_BODY = [
    (method, path)
    for path, item in document()["paths"].items()
    for method in ("post", "put", "patch")
    if "requestBody" in item.get(method, {})
]
DEEP = '{"a":' * 900 + "1" + "}" * 900
BODIES = [
    DEEP,
    "[" * 900 + "]" * 900,
    "[" * 100_000,
    '{"name":' + DEEP + "}",
    "{" + ",".join(f'"k{each}":1' for each in range(50_000)) + "}",
    '{"name":' + "9" * 5000 + "}",
    '{"name":1e999}',
    '{"name":"\\ud800"}',
]


@pytest.mark.parametrize(("method", "path"), WITH_BODY, ids=lambda each: each)
def test_no_body_does_harm(app, account, method, path):
    ids = {name: found[0] for name, found in ids_of_everything(account).items()}
    headers = {"Authorization": f"Bearer {an_api_token(account)}"}
    query = QUERIES.get(path, "").format_map(ids)
    for body in BODIES:
        with within():
            answer = app.test_client().open(
                path.format_map(ids),
                query_string=query,
                method=method.upper(),
                data=body,
                headers=headers,
                content_type="application/json",
            )
        assert answer.status_code < 500, body[:50]
        assert answer.status_code >= 400 or body in BODIES[4:], body[:50]
