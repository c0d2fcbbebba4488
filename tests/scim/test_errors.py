"""Whatever a client sends, it gets a SCIM Error, and nothing is half-written."""

import pytest

from app.directory import tokens
from tests.conftest import make_app, write
from tests.scim.conftest import USER, ScimClient, new_client


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/Nothing", None, "404"),
        ("GET", "/Users/1/2/3", None, "404"),
        ("GET", "/Users/%00", None, "404"),
        ("PUT", "/Users", {"userName": "x"}, "405"),
        ("DELETE", "/Schemas", None, "405"),
        ("GET", "/Users?filter=userName", None, "400"),
        ("GET", "/Users?filter=nothing eq 1", None, "400"),
        ("GET", "/Users?filter=active gt true", None, "400"),
        ("GET", '/Users?filter=meta.created gt "yesterday"', None, "400"),
        ("GET", "/Users?filter=" + "(" * 500, None, "400"),
        ("GET", "/Users?filter=" + " or ".join(["active eq true"] * 300), None, "400"),
        ("GET", "/Users?filter=" + " or ".join(["active eq true"] * 51), None, "400"),
        ("GET", '/Users?filter=title eq "' + "x" * 9000 + '"', None, "400"),
        ("GET", "/Users?attributes=" + ",".join(["emails.x"] * 101), None, "400"),
        ("GET", "/Users?sortBy=" + "x" * 9000, None, "400"),
        ("POST", "/Users/.search", {"attributes": ["x"] * 101}, "400"),
        ("GET", "/Users?sortBy=name", None, "400"),
        ("GET", "/Users?count=many", None, "400"),
        ("GET", "/Users?attributes=a&excludedAttributes=b", None, "400"),
        ("GET", "/Schemas?filter=x", None, "403"),
        ("POST", "/Bulk", [], "400"),
        ("POST", "/Bulk", {"Operations": "all"}, "400"),
        ("POST", "/Bulk", {"Operations": [{"method": "GET"}] * 1001}, "413"),
        ("GET", "/Users?cursor=nonsense", None, "400"),
        ("GET", "/Users?cursor=&startIndex=1", None, "400"),
        ("GET", "/?filter=nothing eq 1", None, "400"),
        ("GET", "/Groups?sortBy=members", None, "501"),
        ("POST", "/Users", [], "400"),
        ("POST", "/Users", "text", "400"),
        ("POST", "/Users", {}, "400"),
        ("POST", "/Users", {"schemas": [USER]}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": ""}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": " "}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x" * 300}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": "a\0b"}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": {"a": 1}}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "title": "a\0b"}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "active": "maybe"}, "400"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "emails": "a@b.example"}, "201"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x", "emails": {"value": 1}}, "400"),
        (
            "POST",
            "/Users",
            {"schemas": [USER], "userName": "x", "emails": [{"value": "a@b.c"}] * 501},
            "400",
        ),
        (
            "POST",
            "/Users",
            {"schemas": [USER], "userName": "x", "nickName": "x" * 200_000},
            "400",
        ),
        ("POST", "/Users/.search", {"filter": 7}, "400"),
        ("POST", "/Users/.search", [], "400"),
        ("POST", "/Groups", {"displayName": "x", "members": 5}, "400"),
        ("POST", "/Groups", {"displayName": "x", "members": [{"value": "a\0b"}]}, "400"),
    ],
)
def test_a_bad_request_is_answered_in_scim_form(scim, method, path, body, status):
    if status == "201":
        assert scim.call(method, path, body).status_code == 201
        return
    assert scim.refused(method, path, body)["status"] == status
    assert scim.get("/Users")["totalResults"] == 0
    assert scim.get("/Groups")["totalResults"] == 0


@pytest.mark.parametrize(
    "operations",
    [
        None,
        [],
        {},
        [1],
        [{}],
        [{"op": "jump", "path": "title"}],
        [{"op": "replace", "path": "userName", "value": None}],
        [{"op": "remove", "path": "userName"}],
        [{"op": "replace", "path": "title["}],
        [{"op": "replace", "path": 7, "value": "x"}],
        [{"op": "replace", "path": "id", "value": "x"}],
        [{"op": "replace", "path": "name", "value": "x"}],
        [{"op": "add", "value": "x"}],
        [{"op": "replace", "path": "active", "value": "perhaps"}],
        [{"op": "replace", "path": "title", "value": "x"}] * 1001,
        [{"op": "remove", "path": "emails[" + " or ".join(['value eq "x"'] * 200) + "]"}],
        [{"op": "remove", "path": "emails[" + " or ".join(['value eq "x"'] * 100) + "]"}] * 20,
        [{"op": "replace", "path": "userName", "value": "b@example.com"}],
    ],
)
def test_a_bad_patch_changes_nothing(scim, operations):
    user = scim.create("/Users", userName="a@example.com", title="T")
    scim.create("/Users", userName="B@example.com")
    error = scim.refused("PATCH", f"/Users/{user['id']}", {"Operations": operations})
    assert error["status"] in ("400", "409")
    assert scim.get(f"/Users/{user['id']}") == user


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"userName": "\\ud800"}', b"[" * 5000])
def test_a_body_that_is_not_json(scim, body):
    client = scim.app.test_client()
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/json"}
    answer = client.post("/scim/v2/Users", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.get_json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize("depth", [600, 1000])
def test_a_body_nested_too_deeply(scim, depth):
    body = '{"userName": "a", "name": ' + '{"a": ' * depth + "1" + "}" * depth + "}"
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "application/json"}
    answer = scim.app.test_client().post("/scim/v2/Users", data=body, headers=headers)
    assert (answer.status_code, answer.get_json()["status"]) == (400, "400")


def test_a_database_that_cannot_be_had_is_answered_503(scim, monkeypatch):
    from sqlalchemy.exc import OperationalError

    from scim import storage

    def locked(*_):
        raise OperationalError("BEGIN", {}, Exception("database is locked"))

    monkeypatch.setattr(storage, "transaction", locked)
    error = scim.refused("POST", "/Users", {"schemas": [USER], "userName": "a"})
    assert error["status"] == "503" and "locked" not in error["detail"]


def test_another_media_type_is_refused(scim):
    headers = {"Authorization": f"Bearer {scim.token}", "Content-Type": "text/xml"}
    answer = scim.app.test_client().post("/scim/v2/Users", data="<a/>", headers=headers)
    assert (answer.status_code, answer.content_type) == (415, "application/scim+json")


def test_a_method_that_is_not_there_says_which_are(scim):
    answer = scim.call("PUT", "/Users")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_a_body_over_the_limit_is_refused(app, scim, database_url):
    small = make_app(database_url, max_body_bytes=1000)
    client = ScimClient(small, scim.token)
    error = client.refused("POST", "/Users", {"schemas": [USER], "userName": "x" * 2000})
    assert error["status"] == "413"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer nonsense", "Basic dGVzdA==", "Bearer " + "x" * 10_000]
)
def test_without_a_live_token_everything_is_401(scim, header):
    answer = scim.app.test_client().get("/scim/v2/Users", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["status"] == "401"


def test_a_revoked_token_is_refused_at_the_next_request(app, account, scim):
    scim.get("/Users")
    with write(account) as work:
        tokens.revoke(work, "tests")
    assert scim.refused("GET", "/Users")["status"] == "401"


def test_a_token_reaches_only_what_its_scopes_name(app, account):
    users_only = new_client(app, account, "users")
    users_only.get("/Users")
    assert users_only.refused("GET", "/Groups")["status"] == "403"
    body = {"displayName": "G"}
    assert users_only.refused("POST", "/Groups", body)["status"] == "403"
