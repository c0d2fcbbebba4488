"""The decision API: AuthZEN 1.0. That decisions are right is tried in tests/access."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ROLES
from app.api.authzen import EXPLAINED_LIMIT
from app.directory import folders, roles
from app.store.database import db
from app.store.models import Grant, Group, Membership
from app.store.types import new_id
from tests.api.v1.client import an_api_token, forget_the_last_request, signed_in
from tests.conftest import make_app, write
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_master_admin,
    a_token,
    a_user,
    an_account,
)
from tests.inspection import statements

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SEARCHES = [f"/access/v1/search/{kind}" for kind in ("subject", "resource", "action")]
ENDPOINTS = [EVALUATION, EVALUATIONS, *SEARCHES]


class Pep:
    """Asks as an application does (a policy enforcement point)."""

    def __init__(self, app, token: str | None) -> None:
        self.client, self.token = app.test_client(), token

    def post(self, path: str, body, **headers: str):
        forget_the_last_request()
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            path, data=data, headers={"Content-Type": "application/json"} | headers
        )

    def ask(self, user: str, action: str, resource: dict, **context) -> dict:
        body = a_question(user, action, resource) | {"context": context}
        answer = self.post(EVALUATION, body)
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        return answer.json

    def may(self, user: str, action: str, resource: dict) -> bool:
        answer = self.ask(user, action, resource)
        assert answer.keys() == {"decision"}
        return answer["decision"]

    def all(self, path: str, body: dict, limit: int = 2) -> list[dict]:
        """All results of a search, page by page."""
        found, page = [], {"limit": limit}
        while True:
            answer = self.post(path, body | {"page": page})
            assert answer.status_code == 200
            assert answer.json["page"]["count"] == len(answer.json["results"]) <= limit
            found += answer.json["results"]
            token = answer.json["page"]["next_token"]
            if not token:
                return found
            page = {"limit": limit, "token": token}


def user(id_: str) -> dict:
    return {"type": "user", "id": id_}


def folder(id_: str) -> dict:
    return {"type": "folder", "id": id_}


def account_of(id_: str) -> dict:
    return {"type": "account", "id": id_}


def a_question(who: str, action: str, resource: dict) -> dict:
    return {"subject": user(who), "action": {"name": action}, "resource": resource}


@pytest.fixture
def pep(app, account) -> Pep:
    return Pep(app, an_api_token(account, {"access.check"}))


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "Ada@Example.com")


@pytest.fixture
def brand(account, ada) -> str:
    """A folder that ada sees, and no more."""
    found = a_folder(account, "Brand")
    a_grant(account, a_group(account, "Designers", members=[ada]), "viewer", found)
    return found


# -- One question -----------------------------------------------------------------


def test_a_yes_and_a_no(pep, ada, brand):
    assert pep.may(ada, "folder.view", folder(brand))
    assert not pep.may(ada, "asset.edit", folder(brand))


def test_people_by_user_name_and_folders_by_path(pep, account, ada, brand):
    below = a_folder(account, "2026", parent=brand)
    for who in (ada, "ada@example.COM"):
        for where in (below, "/Brand/2026", "/bRAND//2026/"):
            assert pep.may(who, "folder.view", folder(where))
        assert not pep.may(who, "folder.view", folder("/"))
        assert not pep.may(who, "folder.view", folder("Brand/2026"))


def test_actions_on_the_account(pep, account, ada):
    a_grant(account, ada, "reports")
    other = an_account("Other")
    for name in (account, "aCME"):
        assert pep.may(ada, "audit.view", account_of(name))
        assert not pep.may(ada, "user.manage", account_of(name))
    for name in (other, "Other", "", "/"):
        assert not pep.may(ada, "audit.view", account_of(name))


def test_an_action_belongs_to_a_type_of_resource(pep, account, brand):
    admin = a_master_admin(account)
    assert pep.may(admin, "folder.view", folder(brand))
    assert pep.may(admin, "user.manage", account_of(account))
    assert not pep.may(admin, "user.manage", folder(brand))
    assert not pep.may(admin, "folder.view", account_of(account))
    assert not pep.may(admin, "folder.destroy", folder(brand))
    assert not pep.may(admin, "folder.view", {"type": "document", "id": brand})


def test_what_is_unknown_is_a_no_like_what_is_another_accounts(pep, account, ada, brand):
    theirs = an_account("Theirs")
    a_folder(theirs, "Press")
    strangers = [a_master_admin(theirs, "root@theirs.example"), "root@theirs.example", "nobody", ""]
    places = [a_folder(theirs), folders.root_of(theirs), "/Press", "/None", "none", "", "/\0", "\0"]
    admin = a_master_admin(account)
    for who in strangers:
        assert not pep.may(who, "folder.view", folder(brand))
        reason = pep.ask(who, "folder.view", folder(brand), explain=True)["context"]["reason"]
        assert reason == "There is no such user."
    for where in places:
        assert not pep.may(admin, "folder.view", folder(where))
        reason = pep.ask(admin, "folder.view", folder(where), explain=True)["context"]["reason"]
        assert reason == "There is no such folder."


def test_only_users_are_subjects(pep, account, ada, brand):
    group = a_group(account, "Team")
    a_grant(account, group, "viewer", brand)
    for subject in ({"type": "group", "id": group}, {"type": "User", "id": ada}):
        body = a_question(ada, "folder.view", folder(brand)) | {"subject": subject}
        assert pep.post(EVALUATION, body).json == {"decision": False}


def test_the_reason_is_told_when_it_is_asked_for(pep, ada, brand):
    yes = pep.ask(ada, "folder.view", folder(brand), explain=True)
    assert yes["decision"] is True
    assert yes["context"]["reason"].startswith(
        "viewer on /Brand, because Ada@Example.com is in Designers, by tests (manual) at 20"
    )
    no = pep.ask(ada, "asset.edit", folder(brand), explain=True)
    reason = "viewer on /Brand does not permit asset.edit."
    assert no == {"decision": False, "context": {"reason": reason}}
    for other in ("true", 1, "yes", None, {}):
        assert pep.ask(ada, "folder.view", folder(brand), explain=other) == {"decision": True}


def test_unknown_members_are_ignored(pep, ada, brand):
    body = a_question(ada, "folder.view", folder(brand)) | {"more": 1}
    for name in ("subject", "action", "resource"):
        body[name] |= {"properties": {"ip_address": "192.0.2.1"}, "other": [1]}
    assert pep.post(EVALUATION, body).json == {"decision": True}


def test_an_evaluation_is_three_statements_at_any_number_of_grants(pep, account, ada, brand):
    questions = (
        a_question(ada, "folder.view", folder(brand)),
        a_question("ada@example.com", "folder.view", folder("/Brand")),
        a_question("ada@example.com", "audit.view", account_of("Acme")),
    )
    counts = []
    for more in (10, 990):
        share_through_groups(account, ada, brand, more)
        pep.post(EVALUATION, questions[0])  # notes that the token is in use
        for each in questions:
            with statements() as seen:
                assert pep.post(EVALUATION, each).status_code == 200
            counts.append(len(seen))
    assert counts == [3] * 6


def share_through_groups(account_id: str, user_id: str, folder_id: str, number: int) -> None:
    """Share a folder with so many groups that a user is in, written as plain rows to be quick."""
    ids = [new_id() for _ in range(number)]
    with write(account_id):
        for model, row in (
            (Group, {"display_name": "Team", "display_name_key": "team"}),
            (Membership, {"user_id": user_id}),
            (Grant, {"role_id": "viewer", "folder_id": folder_id, "granted_by": "tests"}),
        ):
            key = "id" if model is Group else "group_id"
            rows = [{"account_id": account_id, key: each, **row} for each in ids]
            db.session.execute(insert(model), rows)


# -- Many questions ---------------------------------------------------------------


@pytest.fixture
def three(account, ada) -> list[dict]:
    """Folders of which ada sees the first and the third."""
    found = [a_folder(account, f"f{number}") for number in range(3)]
    for each in (found[0], found[2]):
        a_grant(account, ada, "viewer", each)
    return [{"resource": folder(each)} for each in found]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True]),
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_the_three_semantics(pep, ada, three, semantic, expected):
    body = {"subject": user(ada), "action": {"name": "folder.view"}, "evaluations": three}
    if semantic:
        body["options"] = {"evaluations_semantic": semantic, "another": "value"}
    answer = pep.post(EVALUATIONS, body)
    assert answer.json == {"evaluations": [{"decision": each} for each in expected]}


def test_what_stops_nothing(pep, ada, three):
    body = {"subject": user(ada), "action": {"name": "folder.view"}}
    for semantic, listed in (
        ("deny_on_first_deny", [three[0], three[2]]),
        ("permit_on_first_permit", [three[1], three[1]]),
    ):
        options = {"options": {"evaluations_semantic": semantic}}
        answer = pep.post(EVALUATIONS, body | options | {"evaluations": listed})
        assert len(answer.json["evaluations"]) == 2


def test_each_may_say_otherwise_than_the_defaults(pep, account, ada, brand):
    eve = a_user(account, "eve")
    body = a_question(ada, "folder.view", folder(brand)) | {
        "context": {"explain": True},
        "evaluations": [
            {},
            {"subject": user(eve)},
            {"action": {"name": "asset.edit"}, "context": {}},
            {"subject": user("nobody"), "context": {"explain": True}},
        ],
    }
    found = pep.post(EVALUATIONS, body).json["evaluations"]
    assert [each["decision"] for each in found] == [True, False, False, False]
    assert ["context" in each for each in found] == [True, True, False, True]


@pytest.mark.parametrize("listed", [{}, {"evaluations": []}])
def test_without_a_list_it_is_one_evaluation(pep, ada, brand, listed):
    body = a_question(ada, "folder.view", folder(brand)) | listed
    assert pep.post(EVALUATIONS, body).json == {"decision": True}
    answer = pep.post(EVALUATIONS, {"subject": user(ada)} | listed)
    assert answer.status_code == 400
    assert set(answer.json["errors"]) == {"action", "resource"}


def test_what_an_evaluation_lacks_is_said(pep, ada, three):
    body = {"subject": user(ada), "evaluations": three}
    answer = pep.post(EVALUATIONS, body)
    assert answer.status_code == 400
    assert set(answer.json["errors"]["evaluations"]) == {"0", "1", "2"}
    assert set(answer.json["errors"]["evaluations"]["1"]) == {"action"}


def test_a_thousand_at_once_take_few_statements(pep, account, ada, brand):
    inside = [a_folder(account, parent=brand) for _ in range(5)]
    body = {"subject": user(ada), "action": {"name": "folder.view"}}
    places = [folder(each) for each in (*inside, "/Brand", "/Press", "none")]
    listed = [{"resource": places[number % len(places)]} for number in range(1000)]
    pep.post(EVALUATIONS, body | {"evaluations": listed[:8]})
    with statements() as seen:
        found = pep.post(EVALUATIONS, body | {"evaluations": listed}).json["evaluations"]
    assert len(seen) == 4
    assert [each["decision"] for each in found[:8]] == [True] * 6 + [False] * 2
    assert len(found) == 1000
    assert pep.post(EVALUATIONS, body | {"evaluations": [*listed, {}]}).status_code == 400


def test_so_many_are_explained(pep, ada, brand):
    body = a_question(ada, "folder.view", folder(brand)) | {"context": {"explain": True}}
    many = [{}] * (EXPLAINED_LIMIT + 1)
    assert pep.post(EVALUATIONS, body | {"evaluations": many[1:]}).status_code == 200
    assert pep.post(EVALUATIONS, body | {"evaluations": many}).status_code == 400


# -- Searches ---------------------------------------------------------------------


def test_who_may(pep, account, ada, brand):
    people = [a_user(account, f"u{number}") for number in range(5)]
    a_grant(account, a_group(account, members=people), "editor", brand)
    gone = a_user(account, "gone", active=False)
    a_grant(account, gone, "editor", brand)
    for where in (brand, "/Brand"):
        body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
        found = pep.all(SEARCHES[0], body | {"resource": folder(where)})
        assert [each["id"] for each in found] == [*sorted([ada, *people])]
        assert all(pep.may(each["id"], "folder.view", folder(where)) for each in found)
    assert found[0] == user(ada) | {"properties": {"userName": "Ada@Example.com"}}


def test_who_may_on_the_account(pep, account, ada):
    admin = a_master_admin(account)
    body = {"subject": {"type": "user", "id": 7}, "action": {"name": "user.manage"}}
    found = pep.all(SEARCHES[0], body | {"resource": account_of("acme")})
    assert [each["id"] for each in found] == [admin]


def test_where_one_may(pep, account, ada, brand):
    inside = [a_folder(account, f"f{number}", parent=brand) for number in range(4)]
    a_folder(account, "Elsewhere")
    body = {"subject": user("ada@example.com"), "action": {"name": "folder.view"}}
    found = pep.all(SEARCHES[1], body | {"resource": {"type": "folder"}})
    assert [each["id"] for each in found] == sorted([brand, *inside])
    assert found[0] == folder(brand) | {"properties": {"path": "/Brand"}}
    body["action"] = {"name": "asset.edit"}
    assert pep.all(SEARCHES[1], body | {"resource": {"type": "folder"}}) == []


def test_on_which_account_one_may(pep, account, ada):
    a_grant(account, ada, "reports")
    body = {"subject": user(ada), "resource": {"type": "account", "id": "ignored"}}
    for limit in (1, 5):
        found = pep.all(SEARCHES[1], body | {"action": {"name": "audit.view"}}, limit)
        assert found == [account_of(account)]
    assert pep.all(SEARCHES[1], body | {"action": {"name": "user.manage"}}) == []


def test_what_one_may(pep, account, ada, brand):
    a_grant(account, ada, "reports")
    for where, expected in (
        (folder(brand), FOLDER_ROLES["viewer"]),
        (folder("/brand"), FOLDER_ROLES["viewer"]),
        (account_of(account), {"report.view", "audit.view"}),
        (folder("/"), set()),
    ):
        found = pep.all(SEARCHES[2], {"subject": user(ada), "resource": where})
        assert found == [{"name": name} for name in sorted(expected)]
        assert all(pep.may(ada, each["name"], where) for each in found)
    admin = a_master_admin(account)
    found = pep.all(SEARCHES[2], {"subject": user(admin), "resource": account_of(account)}, 5)
    assert {each["name"] for each in found} == ACCOUNT_ACTIONS


def test_searches_find_nothing_of_another_account(pep, account, ada, brand):
    theirs = an_account("Theirs")
    admin, place = a_master_admin(theirs, "root@theirs.example"), a_folder(theirs, "Press")
    view = {"action": {"name": "folder.view"}}
    for where in (place, "/Press", "none"):
        body = view | {"subject": {"type": "user"}, "resource": folder(where)}
        assert pep.all(SEARCHES[0], body) == []
        assert pep.all(SEARCHES[2], {"subject": user(ada), "resource": folder(where)}) == []
    body = {"subject": {"type": "user"}, "resource": account_of(theirs)}
    assert pep.all(SEARCHES[0], body | {"action": {"name": "user.manage"}}) == []
    for who in (admin, "root@theirs.example", "nobody"):
        body = {"subject": user(who)}
        assert pep.all(SEARCHES[1], body | view | {"resource": {"type": "folder"}}) == []
        assert pep.all(SEARCHES[2], body | {"resource": folder(brand)}) == []


def test_searches_for_what_there_is_not(pep, account, ada, brand):
    view, destroy = {"action": {"name": "folder.view"}}, {"action": {"name": "folder.destroy"}}
    for body in (
        view | {"subject": {"type": "group"}, "resource": folder(brand)},
        destroy | {"subject": {"type": "user"}, "resource": folder(brand)},
        view | {"subject": {"type": "user"}, "resource": account_of(account)},
        view | {"subject": {"type": "user"}, "resource": {"type": "document", "id": "1"}},
    ):
        assert pep.all(SEARCHES[0], body) == []
    for body in (
        view | {"subject": {"type": "group", "id": ada}, "resource": {"type": "folder"}},
        destroy | {"subject": user(ada), "resource": {"type": "folder"}},
        view | {"subject": user(ada), "resource": {"type": "document"}},
    ):
        assert pep.all(SEARCHES[1], body) == []


def test_pages(pep, account, ada, brand):
    for number in range(4):
        a_grant(account, a_user(account, f"u{number}"), "viewer", brand)
    body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
    body["resource"] = folder(brand)
    whole = pep.post(SEARCHES[0], body).json
    assert whole["page"] == {"next_token": "", "count": 5}
    first = pep.post(SEARCHES[0], body | {"page": {"limit": 3}}).json
    token = first["page"]["next_token"]
    rest = pep.post(SEARCHES[0], body | {"page": {"token": token}}).json
    assert first["results"] + rest["results"] == whole["results"]
    assert rest["page"] == {"next_token": "", "count": 2}
    none = pep.post(SEARCHES[0], body | {"page": {"limit": 0}}).json
    assert (none["results"], none["page"]["count"]) == ([], 0)
    assert none["page"]["next_token"]
    assert pep.post(SEARCHES[0], body | {"page": {"limit": 10**9}}).json == whole


def test_a_token_is_for_its_search_alone(pep, account, ada, brand):
    a_grant(account, a_user(account), "viewer", brand)
    body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
    body["resource"] = folder(brand)
    token = pep.post(SEARCHES[0], body | {"page": {"limit": 1}}).json["page"]["next_token"]
    digest = orjson.loads(base64.urlsafe_b64decode(token))[0]
    for other in (
        {"action": {"name": "asset.view"}},
        {"resource": folder("/Brand")},
        {"context": {"more": 1}},
        {"page": {"token": token, "limit": 2}},
    ):
        answer = pep.post(SEARCHES[0], body | {"page": {"token": token}} | other)
        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
    forged = ["x", "=", "é", *(encoded(each) for each in (1, [], [digest], [digest, 1, 1]))]
    for wrong in (*forged, encoded([digest, "a", "b"])):
        assert pep.post(SEARCHES[0], body | {"page": {"token": wrong}}).status_code == 400
    odd = pep.post(SEARCHES[0], body | {"page": {"token": encoded([digest, "\0", -5])}})
    assert odd.json["results"] == []


def encoded(value) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


# -- Metadata, transport ----------------------------------------------------------


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


def test_a_custom_role_counts_at_once(pep, account, ada):
    where = a_folder(account)
    with write(account) as work:
        role = roles.create(work, "folder", "Uploader", ["asset.upload"])
    a_grant(account, ada, role, where)
    assert pep.may(ada, "asset.upload", folder(where))
    assert not pep.may(ada, "folder.view", folder(where))


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
        sent = raw if raw is not None else orjson.dumps(body, default=str)
        answer = pep.post(path, sent)
        assert answer.status_code in (200, 400)
        kind = "json" if answer.status_code == 200 else "problem+json"
        assert answer.content_type == f"application/{kind}"

    ask()
