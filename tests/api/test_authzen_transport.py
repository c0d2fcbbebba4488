"""The decision API: who may ask, metadata, errors, and whatever else is sent."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.pep import (
    ENDPOINTS,
    EVALUATION,
    EVALUATIONS,
    SEARCHES,
    Pep,
    a_question,
    folder,
)
from tests.api.v1.client import an_api_token, forget_the_last_request, signed_in
from tests.conftest import make_app
from tests.factories import a_grant, a_token, a_user


def test_the_metadata(database_url):
    app = make_app(database_url, public_url="https://access.example.com")
    answer = app.test_client().get("/.well-known/authzen-configuration")
    base = "https://access.example.com"
    assert answer.json == {
        "policy_decision_point": base,
        "access_evaluation_endpoint": base + EVALUATION,
        "access_evaluations_endpoint": base + EVALUATIONS,
        "search_subject_endpoint": base + SEARCHES[0],
        "search_resource_endpoint": base + SEARCHES[1],
        "search_action_endpoint": base + SEARCHES[2],
    }
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    served = {rule.rule for rule in app.url_map.iter_rules()}
    assert {url.removeprefix(base) for url in answer.json.values()} - {""} <= served


@pytest.mark.parametrize("path", ENDPOINTS)
def test_who_may_ask(app, account, path):
    empty = [None, "wrong", a_token(account).secret]
    for token in empty:
        answer = Pep(app, token).post(path, {})
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    weak = Pep(app, an_api_token(account, {"user.manage", "folder.view"}))
    assert weak.post(path, {}).status_code == 403
    assert Pep(app, an_api_token(account, {"access.check"})).post(path, {}).status_code == 400


@pytest.mark.parametrize(("role", "expected"), [("technical_admin", 200), ("reports", 403)])
def test_an_administrator_who_is_signed_in_may_ask_too(app, account, ada, brand, role, expected):
    body = a_question(ada, "folder.view", folder(brand))
    person = a_user(account, role)
    a_grant(account, person, role)
    browser = signed_in(app, account, person)
    forget_the_last_request()
    headers = {"X-CSRFToken": browser.csrf}
    assert browser.client.post(EVALUATION, json=body, headers=headers).status_code == expected
    forget_the_last_request()
    assert browser.client.post(EVALUATION, json=body).status_code == 400


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_id_of_the_request_comes_back(app, pep, path):
    for status, asks in ((400, pep), (401, Pep(app, None))):
        for given_id in ("bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any text, 'quoted'", "x" * 256):
            answer = asks.post(path, {}, X_Request_ID=given_id)
            assert answer.status_code == status
            assert answer.headers.getlist("X-Request-ID") == [given_id]
        for odd in ("x" * 257, "é", ""):
            (made,) = asks.post(path, {}, X_Request_ID=odd).headers.getlist("X-Request-ID")
            assert made == asks.post(path, {}).json["request_id"] or len(made) == 36


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"subject":' * 100_000,
        b'{"subject": {"type": "user", "id": "\\ud800"}}',
        {"subject": None, "action": None, "resource": None},
        {"subject": "ada", "action": "view", "resource": "/"},
        {"subject": {"type": 1, "id": 2}, "action": {"name": []}, "resource": {"type": {}}},
        {"subject": {"type": "user", "id": "x" * 20_001}, "action": {"name": "x" * 201}},
        {"evaluations": {}, "page": [], "context": []},
        {"evaluations": [None, 1, []], "options": None, "page": {"limit": -1, "token": 1}},
        {"options": {"evaluations_semantic": "all"}, "page": {"limit": 1.5}},
    ],
    ids=lambda body: str(body)[:30],
)
def test_what_is_malformed_is_a_bad_request(pep, path, body):
    answer = pep.post(path, body)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_a_deep_context_does_no_harm(pep, ada, brand):
    deep: dict = {}
    for _ in range(400):
        deep = {"a": deep}
    body = a_question(ada, "folder.view", folder(brand))
    data = orjson.dumps(body)[:-1] + b',"context":' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}"
    assert pep.post(EVALUATION, data).json == {"decision": True}
    assert pep.post(SEARCHES[0], data).status_code == 400


def test_it_must_be_json(pep, ada, brand):
    body = a_question(ada, "folder.view", folder(brand))
    answer = pep.post(EVALUATION, body, Content_Type="text/plain")
    assert (answer.status_code, answer.content_type) == (415, "application/problem+json")
    forget_the_last_request()
    assert pep.client.get(EVALUATION).status_code == 405


# -- Whatever is sent -------------------------------------------------------------

MEMBERS = st.sampled_from(
    ["subject", "action", "resource", "context", "evaluations", "options", "page", "type", "id",
     "name", "explain", "token", "limit", "evaluations_semantic", "properties"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["user", "folder", "account", "/", "/Brand", "folder.view", "user.manage", "execute_all", "\0"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=20,
)
THINGS = st.fixed_dictionaries(
    {"type": WORDS | VALUES, "id": WORDS | VALUES}, optional={"name": WORDS | VALUES}
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "subject": THINGS | VALUES,
        "action": THINGS | VALUES,
        "resource": THINGS | VALUES,
        "context": VALUES,
        "page": VALUES,
        "options": VALUES,
        "evaluations": st.lists(VALUES, max_size=3) | VALUES,
    },
)


def test_nothing_that_is_sent_makes_it_fail(pep, ada, brand):
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(path=st.sampled_from(ENDPOINTS), body=BODIES | VALUES, raw=st.none() | st.binary())
    def ask(path, body, raw):
        sent = raw if raw is not None else json.dumps(body).encode()
        answer = pep.post(path, sent)
        assert answer.status_code in (200, 400)
        kind = "json" if answer.status_code == 200 else "problem+json"
        assert answer.content_type == f"application/{kind}"

    ask()
