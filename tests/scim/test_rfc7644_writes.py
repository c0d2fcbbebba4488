"""RFC 7644, writing: what the other modules here do not prove by the way."""

from __future__ import annotations

import pytest

from app.security.tokens import SCOPES
from tests.factories import a_folder, a_user
from tests.scim.conftest import ENTERPRISE, GROUP, USER, new_client, patch_body

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
GRANT = "urn:gatehouse:scim:schemas:core:2.0:Grant"


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


@pytest.fixture
def granting(app, account):
    """A client that may give roles; a grant on a folder, and one on the account."""
    client = new_client(app, account, *SCOPES)
    grant = {"schemas": [GRANT], "principal": {"value": a_user(account)}}
    folder = {"role": "viewer", "folder": {"value": a_folder(account)}}
    made = [client.call("POST", "/Grants", grant | each) for each in (folder, {"role": "reports"})]
    return client, *(each.get_json() for each in made)


def test_a_put_of_what_is_immutable_must_match(granting):
    client, grant, _ = granting
    path = f"/Grants/{grant['id']}"
    as_read = client.call("PUT", path, grant | {"reason": "as it was read"})
    assert (as_read.status_code, as_read.get_json()["folder"]) == (200, grant["folder"])
    by_id = {"principal": {"value": grant["principal"]["value"]}}
    assert client.call("PUT", path, grant | by_id).status_code == 200
    for name, value in (("role", "editor"), ("folder", {"value": "x"})):
        error = client.refused("PUT", path, grant | {name: value})
        assert (error["status"], error["scimType"]) == ("400", "mutability")


def test_what_is_immutable_is_not_set_later(granting):
    client, grant, on_account = granting
    path = f"/Grants/{on_account['id']}"
    add = patch_body({"op": "add", "path": "folder", "value": grant["folder"]})
    assert client.refused("PATCH", path, add)["scimType"] == "mutability"
    into = {"folder": {"value": grant["folder"]["value"]}}
    assert client.refused("PUT", path, on_account | into)["scimType"] == "mutability"
    assert client.get(path) == on_account


def test_a_put_takes_no_name_of_another(scim):
    scim.create("/Users", userName="ada")
    path = f"/Users/{scim.create('/Users', userName='bob')['id']}"
    error = scim.refused("PUT", path, {"schemas": [USER], "userName": "ADA"})
    assert (error["status"], error["scimType"]) == ("409", "uniqueness")
    assert scim.put(path, userName="BOB")["userName"] == "BOB"


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
        (
            [{"op": "replace", "path": "emails", "value": [{"value": "n"}]}],
            {"emails": [{"value": "n"}]},
        ),
        ([{"op": "replace", "path": "emails", "value": []}], {"emails": None}),
        ([{"op": "remove", "path": "emails"}], {"emails": None}),
        ([{"op": "remove", "path": 'emails[type eq "home"]'}], {}),
        ([{"op": "remove", "path": "title"}], {}),
        (
            [{"op": "replace", "path": "emails.display", "value": "E"}],
            {"emails": [{"value": "a@x.example", "type": "work", "display": "E"}]},
        ),
        (
            [
                {"op": "add", "path": "name", "value": {"givenName": "A", "familyName": "L"}},
                {"op": "add", "path": "name", "value": {"givenName": "B"}},
            ],
            {"name": {"givenName": "B", "familyName": "L"}},
        ),
        (
            [{"op": "add", "path": ENTERPRISE, "value": {"department": "D"}}],
            {ENTERPRISE: {"department": "D"}},
        ),
        (
            [
                {"op": "add", "value": {ENTERPRISE: {"department": "D"}}},
                {"op": "remove", "path": ENTERPRISE},
            ],
            {ENTERPRISE: None},
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


E1 = {"value": "1", "type": "work", "primary": True}
E2 = {"value": "2", "type": "home"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "emails", "value": [{"value": "3", "primary": True}]},
        {"op": "replace", "path": 'emails[type eq "home"].primary', "value": True},
        {"op": "replace", "path": 'emails[value eq "2"]', "value": {"primary": True}},
        {"op": "add", "value": {"emails": [{"value": "3", "primary": True}]}},
    ],
)
def test_a_new_primary_value_takes_the_place_of_the_old(scim, operation):
    user = scim.create("/Users", userName="ada", emails=[E1, E2])
    emails = scim.patch(f"/Users/{user['id']}", operation)["emails"]
    assert emails[0] == E1 | {"primary": False}
    assert [each for each in emails if each.get("primary")] == emails[-1:]


def test_two_new_primary_values_are_refused(scim):
    user = scim.create("/Users", userName="ada", emails=[E1])
    both = [{"value": each, "primary": True} for each in ("3", "4")]
    for op in ("add", "replace"):
        body = patch_body({"op": op, "path": "emails", "value": both})
        assert scim.refused("PATCH", f"/Users/{user['id']}", body)["scimType"] == "invalidValue"


def test_a_filter_that_selects_nothing_has_no_target(scim):
    user = scim.create("/Users", userName="ada", emails=[E1])
    body = patch_body({"op": "replace", "path": 'emails[value co "9"].display', "value": "D"})
    error = scim.refused("PATCH", f"/Users/{user['id']}", body)
    assert (error["status"], error["scimType"]) == ("400", "noTarget")


def test_a_value_that_does_not_fit_is_named(scim):
    user = scim.create("/Users", userName="ada")
    for value, place in (({"title": 7}, "title"), ({"emails": [{"value": 7}]}, "emails[0].value")):
        body = patch_body({"op": "replace", "value": value})
        detail = scim.refused("PATCH", f"/Users/{user['id']}", body)["detail"]
        assert detail == f"Input should be a valid string: {place}"


# -- §3.6: deleting ------------------------------------------------------------------


def test_a_deleted_user_is_nowhere_and_the_name_is_free(scim):
    user = scim.create("/Users", userName="ada")
    path = f"/Users/{user['id']}"
    group = scim.create("/Groups", displayName="G", members=[{"value": user["id"]}])
    assert scim.call("DELETE", path).get_data() == b""
    bodies = {"PUT": {"schemas": [USER], "userName": "ada"}, "PATCH": patch_body({"op": "remove"})}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert scim.refused(method, path, bodies.get(method))["status"] == "404"
    assert scim.found("/Users", 'userName eq "ada"') == []
    assert "members" not in scim.get(f"/Groups/{group['id']}")
    assert scim.create("/Users", userName="ada")["id"] != user["id"]


# -- §3.7: bulk ----------------------------------------------------------------------


def test_bulk_has_limits(scim):
    one = {"method": "DELETE", "path": "/Users/x"}
    too_many = {"schemas": [BULK], "Operations": [one] * 1001}
    assert scim.refused("POST", "/Bulk", too_many)["status"] == "413"
    large = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"title": "x" * 9_000_000}}
    too_large = {"schemas": [BULK], "Operations": [large]}
    assert scim.refused("POST", "/Bulk", too_large)["status"] == "413"


def bulk(scim, *operations):
    answer = scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations)})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()["Operations"]


def new_group(name, *members):
    data = {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def test_what_a_bulk_operation_answers(scim):
    user = {"schemas": [USER], "userName": "ada"}
    post = {"method": "POST", "path": "/Users", "bulkId": "1", "data": user}
    made, taken = bulk(scim, post, post | {"bulkId": "2"})
    assert set(made) == {"method", "bulkId", "version", "location", "status"}
    assert (made["version"], made["bulkId"]) == ('W/"1"', "1")
    assert set(taken) == {"method", "bulkId", "status", "response"}  # nothing is there to locate
    assert taken["response"]["status"] == taken["status"] == "409"


def test_circular_references_are_a_conflict(scim):
    """Groups that contain each other are refused in any request."""
    for ring in ({"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}):
        groups = [new_group(name, f"bulkId:{member}") for name, member in ring.items()]
        assert {each["status"] for each in bulk(scim, *groups)} == {"409"}
    assert scim.get("/Groups")["totalResults"] == 0


def test_a_reference_in_what_is_read_only_makes_no_circle(scim):
    groups = [{"value": "bulkId:g"}]
    user = {"schemas": [USER], "userName": "ada", "groups": groups}
    post = {"method": "POST", "path": "/Users", "bulkId": "u", "data": user}
    outcomes = bulk(scim, post, new_group("g", "bulkId:u"))
    assert [each["status"] for each in outcomes] == ["201", "201"]


def test_a_patch_as_in_the_example_of_the_rfc(scim):
    """There ``data`` is the list of operations itself."""
    path = f"/Users/{scim.create('/Users', userName='ada', nickName='A')['id']}"
    data = [{"op": "remove", "path": "nickName"}, {"op": "add", "path": "title", "value": "T"}]
    (outcome,) = bulk(scim, {"method": "PATCH", "path": path, "version": 'W/"1"', "data": data})
    assert (outcome["status"], outcome["version"]) == ("200", 'W/"2"')
    user = scim.get(path)
    assert (user["title"], "nickName" in user) == ("T", False)


FAILING = [
    ({"method": "POST", "path": "/Users", "data": {"userName": "ada"}}, "400"),
    ({"method": "GET", "path": "/Users"}, "400"),
    ({"method": "PUT", "path": "/Users", "data": {}}, "405"),
    ({"method": "POST", "path": "/Bulk", "bulkId": "1", "data": {}}, "400"),
    ({"method": "DELETE", "path": "/Users/nobody"}, "404"),
    ({"method": "DELETE", "path": "/Nothing/1"}, "404"),
    ({"method": "PATCH", "path": "/Users/1", "data": 7}, "400"),
]


def test_a_bulk_operation_that_cannot_be_fails_alone(scim):
    good = {"method": "POST", "path": "/Users", "bulkId": "good", "data": {"userName": "bob"}}
    *failed, made = bulk(scim, *(operation for operation, _ in FAILING), good)
    assert [each["status"] for each in failed] == [status for _, status in FAILING]
    assert all(each["response"]["status"] == each["status"] for each in failed)
    assert made["status"] == "201"
