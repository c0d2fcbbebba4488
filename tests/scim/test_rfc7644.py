"""RFC 7644, reading: what the other modules here do not prove by the way."""

from __future__ import annotations

import json

import pytest

from app.settings import Settings
from scim.routes import PREFIX
from tests.conftest import SECRET_KEY
from tests.scim.conftest import ENTERPRISE, GROUP, USER, new_client, patch_body

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


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
    user = scim.create("/Users", userName="ada")
    answer = scim.call("HEAD", f"/Users/{user['id']}")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert answer.headers["ETag"] == user["meta"]["version"]
    assert scim.call("HEAD", "/Users/nobody").status_code == 404


def test_every_answer_is_scim_json(scim):
    for accept in ("application/scim+json", "application/json", "text/html", "*/*"):
        for path in ("/Users", "/Users/nobody", "/Schemas"):
            answer = scim.call("GET", path, Accept=accept)
            assert answer.content_type == "application/scim+json"


def test_the_version_is_in_the_url(scim):
    client, headers = scim.app.test_client(), {"Authorization": f"Bearer {scim.token}"}
    assert client.get("/scim/v2", headers=headers).status_code == 200
    assert client.get("/scim/v2/", headers=headers).status_code == 200
    for path in ("/scim/v1/Users", "/scim/Users", "/Users"):
        assert client.get(path, headers=headers).status_code == 404


def test_a_read_says_where_and_which_version(scim):
    user = scim.create("/Users", userName="ada")
    answer = scim.call("GET", f"/Users/{user['id']}")
    assert answer.headers["Content-Location"] == user["meta"]["location"]
    assert answer.headers["ETag"] == user["meta"]["version"]


def test_a_connection_may_make_25_requests_a_second():
    settings = Settings(secret_key=SECRET_KEY, database_url="sqlite://")
    assert settings.scim_requests_per_minute >= 25 * 60


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


FOUND = {
    'userName eq "bob"': ["bob"],
    'userName ne "bob"': ["ada", "eve"],
    'userName co "v"': ["eve"],
    'userName sw "a"': ["ada"],
    'userName ew "b"': ["bob"],
    "title pr": ["bob", "eve"],
    'title gt "T1"': ["eve"],
    'title ge "T1"': ["bob", "eve"],
    'title lt "T2"': ["bob"],
    'title le "T2"': ["bob", "eve"],
    'userName eq "ada" or userName eq "bob" and title pr': ["ada", "bob"],
    '(userName eq "ada" or userName eq "bob") and title pr': ["bob"],
    'not (userName eq "ada") and not (title eq "T2")': ["bob"],
    'emails[type eq "work" and value ew "home.example"]': ["ada"],
    'emails.value sw "BOB@"': ["bob"],
    "title eq null": ["ada"],
    "active eq true": ["ada", "bob", "eve"],
    f'{USER}:userName eq "eve"': ["eve"],
    f"not ({ENTERPRISE}:department pr)": ["ada", "bob", "eve"],
    'meta.created gt "2020-01-01T00:00:00Z"': ["ada", "bob", "eve"],
    'userName Eq "bob" OR NOT (title PR)': ["ada", "bob"],
    'userName eq "b\\u006fb"': ["bob"],
    "title ne null": ["bob", "eve"],
    "(((title pr)))": ["bob", "eve"],
    'emails[not (value co "home") and (type eq "home" or type eq "work")]': ["bob", "eve"],
    'emails[type eq "work"].value sw "ada"': ["ada"],
    'meta.resourceType eq "Group"': [],
    "meta.location pr or groups.$ref pr": [],
}


def test_every_operator(scim, three):
    assert {wanted: scim.found("/Users", wanted) for wanted in FOUND} == FOUND


INVALID = [
    "userName",
    "userName eq",
    'userName xx "a"',
    '(userName eq "a"',
    'userName eq "a" and',
    "emails[type]",
    "active gt true",
    'meta.created gt "yesterday"',
    '"userName" eq "a"',
    'not userName eq "a"',
    'nothing eq "a"',
    "urn:nothing:x pr",
    "userName eq 5",
    'x509Certificates.value gt "YQ=="',
    "",
]


def test_a_filter_that_is_none_is_invalid(scim):
    for wanted in INVALID:
        error = scim.refused("GET", "/Users", query={"filter": wanted})
        assert (error["status"], error["scimType"]) == ("400", "invalidFilter"), wanted


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


TEXTS = ['a"b', "a\\b", "a/b", "O'Neill", "ä 日本 🜚", "%_*", "a) or (id pr"]


def test_any_text_is_found_as_it_is(scim):
    for number, text in enumerate(TEXTS):
        scim.create("/Users", userName=f"user{number}", title=text)
    for number, text in enumerate(TEXTS):
        for written in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
            assert scim.found("/Users", f"title eq {written}") == [f"user{number}"], text
            assert scim.found("/Users", f"title co {written}") == [f"user{number}"], text


PAGES = [
    ({"count": 0}, 1, []),
    ({"count": -5}, 1, []),
    ({"startIndex": 0}, 1, ["ada", "bob", "eve"]),
    ({"startIndex": -5, "count": 1}, 1, ["ada"]),
    ({"startIndex": 3, "count": 9}, 3, ["eve"]),
    ({"startIndex": 9}, 9, []),
    ({"count": 10**20}, 1, ["ada", "bob", "eve"]),
]


def test_pages_by_index_at_their_bounds(scim, three):
    for query, start, names in PAGES:
        page = scim.get("/Users", **query)
        assert [each["userName"] for each in page["Resources"]] == names, query
        told = (page["totalResults"], page["startIndex"], page["itemsPerPage"])
        assert told == (3, start, len(names)), query


NO_PAGES = [
    ({"count": "many"}, "400", "invalidValue"),
    ({"startIndex": "1.5"}, "400", "invalidValue"),
    ({"sortBy": "nothing"}, "400", "invalidPath"),
    ({"sortBy": "password"}, "400", "invalidPath"),
    ({"sortBy": "userName", "sortOrder": "sideways"}, "400", "invalidValue"),
    ({"sortBy": "groups"}, "501", None),
]


def test_a_page_that_cannot_be_says_why(scim):
    for query, status, scim_type in NO_PAGES:
        error = scim.refused("GET", "/Users", query=query)
        assert (error["status"], error.get("scimType")) == (status, scim_type), query


def test_what_is_worked_out_is_not_sorted_by(app, account):
    client = new_client(app, account, "folders", "grants")
    for path, attribute in (("/Folders", "path"), ("/Grants", "folder.display")):
        assert client.refused("GET", path, query={"sortBy": attribute})["status"] == "501"
        error = client.refused("GET", path, query={"filter": f"{attribute} pr"})
        assert error["scimType"] == "invalidFilter"


def test_types_are_told_apart_in_a_search_at_the_root(scim, three):
    scim.create("/Groups", displayName="Makers")
    body = {"schemas": [SEARCH], "filter": 'meta.resourceType eq "Group" or userName eq "bob"'}
    found = scim.call("POST", "/.search", body | {"sortBy": "meta.created"}).get_json()
    kinds = [each["meta"]["resourceType"] for each in found["Resources"]]
    assert (found["totalResults"], kinds) == (2, ["User", "Group"])
    wrong = scim.refused("POST", "/.search", body | {"schemas": [USER]})
    assert wrong["scimType"] == "invalidSyntax"


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


def test_versions_compare_weakly_and_in_lists(scim):
    path = f"/Users/{scim.create('/Users', userName='ada')['id']}"
    title = patch_body({"op": "add", "path": "title", "value": "T"})
    for tags in ('"1"', 'W/"9", W/"1"'):
        answer = scim.call("GET", path, If_None_Match=tags)
        assert (answer.status_code, answer.headers["ETag"]) == (304, 'W/"1"')
    assert scim.refused("GET", path, If_Match='W/"9"')["status"] == "412"
    error = scim.refused("PATCH", path, title, If_None_Match="*")
    assert (error["status"], error.get("scimType")) == ("412", None)
    assert scim.call("PATCH", path, title, If_Match='"1"').status_code == 200


# -- §4: discovery ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_discovery(scim, path):
    assert scim.refused("GET", path, query={"filter": 'id eq "User"'})["status"] == "403"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = scim.call(method, path)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/ResourceTypes", "/Schemas"])
def test_discovery_is_whole_whatever_page_is_asked_for(scim, path):
    asked = scim.get(path, startIndex=2, count=1, sortBy="id", attributes="id")
    assert asked == scim.get(path)
    assert asked["totalResults"] == asked["itemsPerPage"] == len(asked["Resources"])


def test_one_resource_type_and_one_schema(scim):
    assert scim.get("/ResourceTypes/Group")["schema"] == GROUP
    assert scim.get(f"/Schemas/{GROUP}")["id"] == GROUP
    for path in ("/ResourceTypes/Nothing", "/Schemas/urn:nothing"):
        assert scim.refused("GET", path)["status"] == "404"


def test_an_endpoint_that_is_not_there(scim):
    assert scim.refused("GET", "/Nothing")["status"] == "404"
    assert scim.refused("GET", "/Users/a/b")["status"] == "404"
