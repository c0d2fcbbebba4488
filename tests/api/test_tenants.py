"""Another account's things do not exist: every endpoint is tried with their ids."""

from __future__ import annotations

import re

import pytest

from app.api.openapi import METHODS, document
from app.store.types import now
from tests.api.v1.client import Api, an_api_token
from tests.api.v1.world import BODIES, MAKERS, QUERIES, ids_of_everything
from tests.factories import an_account
from tests.inspection import rows_of

NAMED = re.compile(r"{(\w+)}")
ENDPOINTS = [
    (method, path)
    for path, item in document()["paths"].items()
    for method in METHODS
    if method in item and NAMED.search(path)
]


def test_everything_that_can_be_named_is_made_for_the_tests():
    named = {name for _, path in ENDPOINTS for name in NAMED.findall(path)}
    assert named <= MAKERS.keys()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=lambda each: each)
def test_with_another_accounts_ids_there_is_nothing(app, account, method, path):
    """404, and nothing of theirs changes."""
    theirs = an_account("Theirs")
    their_ids, own_ids = ids_of_everything(theirs), ids_of_everything(account)
    names = NAMED.findall(path)
    api = Api(app, an_api_token(account))
    before = rows_of(theirs)
    for strange in names:
        ids = {name: (their_ids if name == strange else own_ids)[name][0] for name in names}
        query = QUERIES.get(path, "").format(now=now().isoformat().replace("+", "%2B"))
        place = f"{path.removeprefix('/api/v1').format(**ids)}?{query}"
        body = BODIES.get((method, path), {}) if method in ("post", "put", "patch") else None
        answer = api.call(method.upper(), place, body)
        assert answer.status_code == 404, answer.text
        assert answer.content_type == "application/problem+json"
    assert rows_of(theirs) == before
