"""Whatever is asked of the API, as described and otherwise: no failure, no answer undescribed."""

from __future__ import annotations

from functools import cache

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.api.openapi import METHODS, document
from tests.api.v1.client import an_api_token, forget_the_last_request
from tests.api.v1.world import ids_of_everything

OPERATIONS = [
    (method, path)
    for path, item in document()["paths"].items()
    for method in METHODS
    if method in item
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = {"sqlite": 40, "postgresql": 10}


@cache
def description(app):
    """The description as it is served. To read it takes longer than to ask for one operation."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda each: each)
def test_no_failure_and_nothing_undescribed(app, account, database_url, method, path):
    operation = description(app)[path][method]
    headers = {"Authorization": f"Bearer {an_api_token(account)}"}
    ids = ids_of_everything(account)
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=EXAMPLES[database_url.partition(":")[0].partition("+")[0]],
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(case=cases, real=st.booleans(), choice=st.randoms(use_true_random=False))
    def ask(case, real, choice):
        forget_the_last_request()
        for named in (case.path_parameters, case.query) if real else ():
            for name in (named or {}).keys() & ids.keys():
                named[name] = choice.choice(ids[name])
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)

    ask()
