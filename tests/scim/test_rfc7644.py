"""RFC 7644, the protocol: what the other modules here do not prove by the way."""

from __future__ import annotations

import json

import pytest

from scim.routes import PREFIX
from tests.scim.conftest import ENTERPRISE, GROUP, USER, patch_body

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


# -- §3.1, §3.3, §3.8: requests and answers -------------------------------------


@pytest.mark.parametrize(
    "media_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "application/json",
        "application/json;charset=UTF-8",
    ],
)
def test_both_media_types_are_read(scim, media_type):
    answer = scim.app.test_client().post(
        f"{PREFIX}/Users",
        data=json.dumps({"schemas": [USER], "userName": "ädä"}).encode(),
        headers={"Authorization": f"Bearer {scim.token}", "Content-Type": media_type},
    )
    assert answer.status_code == 201
    assert answer.content_type == "application/scim+json"
    assert answer.get_json()["userName"] == "ädä"


def test_a_creation_says_where_it_is(scim):
    answer = scim.call("POST", "/Users", {"schemas": [USER], "userName": "ada"})
    location = answer.get_json()["meta"]["location"]
    assert answer.headers["Location"] == location
    assert answer.headers["ETag"] == answer.get_json()["meta"]["version"]


def test_head_answers_like_get_without_a_body(scim):
    answer = scim.call("HEAD", "/Users")
    assert answer.status_code in (200, 405)


# -- §3.4.2: queries -------------------------------------------------------------


@pytest.fixture
def three(scim):
    for number, name in enumerate(["ada", "bob", "eve"]):
        scim.create(
            "/Users",
            userName=name,
            title=f"T{number}" if number else None,
            emails=[{"value": f"{name}@{'work' if number else 'home'}.example", "type": "work"}],
        )


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ('userName eq "bob"', ["bob"]),
        ('userName ne "bob"', ["ada", "eve"]),
        ('userName co "v"', ["eve"]),
        ('userName sw "a"', ["ada"]),
        ('userName ew "b"', ["bob"]),
        ("title pr", ["bob", "eve"]),
        ('title gt "T1"', ["eve"]),
        ('title ge "T1"', ["bob", "eve"]),
        ('title lt "T2"', ["bob"]),
        ('title le "T2"', ["bob", "eve"]),
        ('userName eq "ada" or userName eq "bob" and title pr', ["ada", "bob"]),
        ('(userName eq "ada" or userName eq "bob") and title pr', ["bob"]),
        ('not (userName eq "ada") and not (title eq "T2")', ["bob"]),
        ('emails[type eq "work" and value ew "home.example"]', ["ada"]),
        ('emails.value sw "BOB@"', ["bob"]),
        ("title eq null", ["ada"]),
        ("active eq true", ["ada", "bob", "eve"]),
        (f'{USER}:userName eq "eve"', ["eve"]),
        (f"not ({ENTERPRISE}:department pr)", ["ada", "bob", "eve"]),
        ('meta.created gt "2020-01-01T00:00:00Z"', ["ada", "bob", "eve"]),
    ],
)
def test_every_operator(scim, three, wanted, names):
    assert scim.found("/Users", wanted) == names


@pytest.mark.parametrize(
    "wanted",
    [
        "userName",
        "userName eq",
        'userName xx "a"',
        '(userName eq "a"',
        'userName eq "a" and',
        "emails[type]",
        "active gt true",
        'meta.created gt "yesterday"',
        '"userName" eq "a"',
    ],
)
def test_a_filter_that_is_none_is_invalid(scim, wanted):
    error = scim.refused("GET", "/Users", query={"filter": wanted})
    assert (error["status"], error["scimType"]) == ("400", "invalidFilter")


def test_search_by_post_is_search_by_get(scim, three):
    body = {
        "schemas": [SEARCH],
        "filter": 'userName ne "ada"',
        "sortBy": "userName",
        "sortOrder": "descending",
        "attributes": ["userName"],
        "startIndex": 1,
        "count": 1,
    }
    for path in ("/Users/.search", "/.search"):
        found = scim.call("POST", path, body).get_json()
        assert (found["totalResults"], found["itemsPerPage"]) == (2, 1)
        (user,) = found["Resources"]
        assert set(user) == {"schemas", "id", "userName"}
        assert user["userName"] == "eve"


def test_sorting_by_many_kinds_of_attributes(scim, three):
    for attribute in ("id", "userName", "title", "emails.value", "meta.created", "active"):
        for order in ("ascending", "descending"):
            listed = scim.get("/Users", sortBy=attribute, sortOrder=order)
            assert listed["totalResults"] == 3


# -- §3.5.1, §3.5.2: replacing and changing -------------------------------------------


def test_a_put_clears_what_it_leaves_out(scim):
    user = scim.create("/Users", userName="ada", title="T", emails=[{"value": "a@x.example"}])
    replaced = scim.put(f"/Users/{user['id']}", userName="ada")
    assert "title" not in replaced
    assert "emails" not in replaced


def test_a_put_needs_what_is_required_and_somebody_there(scim):
    user = scim.create("/Users", userName="ada")
    error = scim.refused("PUT", f"/Users/{user['id']}", {"schemas": [USER], "title": "T"})
    assert error["status"] == "400"
    body = {"schemas": [USER], "userName": "bob"}
    assert scim.refused("PUT", "/Users/unknown", body)["status"] == "404"


WORK = 'emails[type eq "work"]'


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "title", "value": "T"}], {"title": "T"}),
        ([{"op": "add", "value": {"title": "T", "nickName": "N"}}], {"nickName": "N"}),
        ([{"op": "add", "path": "name.givenName", "value": "A"}], {"name": {"givenName": "A"}}),
        (
            [{"op": "add", "path": "emails", "value": {"value": "b@x.example", "type": "home"}}],
            {
                "emails": [
                    {"value": "a@x.example", "type": "work"},
                    {"value": "b@x.example", "type": "home"},
                ]
            },
        ),
        (
            [{"op": "replace", "path": f"{WORK}.value", "value": "c@x.example"}],
            {"emails": [{"value": "c@x.example", "type": "work"}]},
        ),
        (
            [{"op": "replace", "path": WORK, "value": {"value": "d@x.example", "type": "work"}}],
            {"emails": [{"value": "d@x.example", "type": "work"}]},
        ),
        ([{"op": "remove", "path": WORK}], {"emails": None}),
        (
            [{"op": "remove", "path": f"{WORK}.type"}],
            {"emails": [{"value": "a@x.example"}]},
        ),
        (
            [{"op": "add", "path": f"{ENTERPRISE}:department", "value": "D"}],
            {ENTERPRISE: {"department": "D"}},
        ),
        (
            [{"op": "replace", "path": f"{USER}:displayName", "value": "Ada"}],
            {"displayName": "Ada"},
        ),
        (
            [
                {"op": "add", "path": "title", "value": "T"},
                {"op": "remove", "path": "title"},
            ],
            {"title": None},
        ),
        (
            [{"op": "add", "path": "emails", "value": [{"value": "a@x.example", "type": "work"}]}],
            {},
        ),
    ],
)
def test_every_form_of_a_patch(scim, operations, expected):
    user = scim.create("/Users", userName="ada", emails=[{"value": "a@x.example", "type": "work"}])
    changed = scim.patch(f"/Users/{user['id']}", *operations)
    assert {name: changed.get(name) for name in expected} == expected
    if not expected:
        assert changed["meta"]["version"] == user["meta"]["version"]


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "groups", "value": []}, "mutability"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "move", "path": "title", "value": "x"}, None),
        ({"op": "add", "path": "title"}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "remove", "path": "userName"}, None),
    ],
)
def test_a_patch_that_cannot_be_says_why_and_does_nothing(scim, operation, scim_type):
    user = scim.create("/Users", userName="ada")
    body = patch_body({"op": "replace", "path": "title", "value": "T"}, operation)
    error = scim.refused("PATCH", f"/Users/{user['id']}", body)
    assert error["status"] == "400"
    assert scim_type is None or error["scimType"] == scim_type
    assert scim.get(f"/Users/{user['id']}") == user


# -- §3.7: bulk ----------------------------------------------------------------------


def test_bulk_has_limits(scim):
    one = {"method": "DELETE", "path": "/Users/x"}
    too_many = {"schemas": [BULK], "Operations": [one] * 1001}
    assert scim.refused("POST", "/Bulk", too_many)["status"] == "413"
    large = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"title": "x" * 9_000_000}}
    too_large = {"schemas": [BULK], "Operations": [large]}
    assert scim.refused("POST", "/Bulk", too_large)["status"] == "413"


# -- §3.9, §3.10: which attributes ------------------------------------------------------


def test_attributes_and_excluded_attributes(scim):
    user = scim.create(
        "/Users",
        userName="ada",
        name={"givenName": "A", "familyName": "L"},
        **{ENTERPRISE: {"department": "D", "division": "V"}},
    )
    path = f"/Users/{user['id']}"
    asked = scim.get(path, attributes=f"name.givenName,{ENTERPRISE}:department")
    assert asked == {
        "schemas": [USER, ENTERPRISE],
        "id": user["id"],
        "name": {"givenName": "A"},
        ENTERPRISE: {"department": "D"},
    }
    left = scim.get(path, excludedAttributes=f"name,id,{ENTERPRISE}")
    assert "name" not in left
    assert ENTERPRISE not in left
    assert left["id"] == user["id"]
    whole = scim.get(path, attributes=f"{USER}:userName,USERNAME")
    assert whole["userName"] == "ada"
    both = {"attributes": "name", "excludedAttributes": "name"}
    assert scim.refused("GET", path, query=both)["status"] == "400"


def test_writes_answer_what_is_asked_for(scim):
    answer = scim.call(
        "POST", "/Users", {"schemas": [USER], "userName": "ada"}, query={"attributes": "title"}
    )
    assert set(answer.get_json()) == {"schemas", "id"}


# -- §3.14: versions -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match(scim, method):
    user = scim.create("/Users", userName="ada")
    path = f"/Users/{user['id']}"
    body = {"schemas": [USER], "userName": "ada", "title": "T"}
    if method == "PATCH":
        body = patch_body({"op": "add", "path": "title", "value": "T"})
    assert scim.call(method, path, body, If_Match='W/"7"').status_code == 412
    assert scim.call(method, path, body, If_Match='W/"7", W/"1"').status_code in (200, 204)


def test_any_version_and_no_version(scim):
    user = scim.create("/Users", userName="ada")
    path = f"/Users/{user['id']}"
    title = patch_body({"op": "add", "path": "title", "value": "T"})
    assert scim.call("PATCH", path, title, If_Match="*").status_code == 200
    assert scim.call("GET", path, If_None_Match="*").status_code == 304
    assert scim.call("GET", path, If_None_Match='W/"1"').status_code == 200


# -- §4: discovery ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_discovery(scim, path):
    assert scim.refused("GET", path, query={"filter": 'id eq "User"'})["status"] == "403"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = scim.call(method, path)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]


def test_one_resource_type_and_one_schema(scim):
    assert scim.get("/ResourceTypes/Group")["schema"] == GROUP
    assert scim.get(f"/Schemas/{GROUP}")["id"] == GROUP
    for path in ("/ResourceTypes/Nothing", "/Schemas/urn:nothing"):
        assert scim.refused("GET", path)["status"] == "404"


def test_an_endpoint_that_is_not_there(scim):
    assert scim.refused("GET", "/Nothing")["status"] == "404"
    assert scim.refused("GET", "/Users/a/b")["status"] == "404"
