"""Each deviation of a real client, put right."""

import pytest

from scim.dialects import manager_without_its_urn
from tests.scim.conftest import ENTERPRISE, GROUP, USER

MICROSOFT_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@pytest.fixture
def ada(scim):
    return scim.create(
        "/Users",
        userName="ada@example.com",
        name={"givenName": "Ada"},
        emails=[{"value": "ada@home.example", "type": "home"}],
        displayName="Ada",
        **{ENTERPRISE: {"manager": {"value": "1"}, "department": "Analysis"}},
    )


def patched(scim, ada, *operations):
    return scim.patch(f"/Users/{ada['id']}", *operations)


@pytest.mark.parametrize("value", ["False", "false", False])
def test_active_as_text(scim, ada, value):
    assert (
        patched(scim, ada, {"op": "Replace", "path": "active", "value": value})["active"] is False
    )


def test_a_value_without_a_path(scim, ada):
    assert patched(scim, ada, {"op": "replace", "value": {"active": False}})["active"] is False


@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_an_entry_that_is_not_there_yet_is_made(scim, ada, op):
    path = 'emails[type eq "work"].value'
    user = patched(scim, ada, {"op": op, "path": path, "value": "ada@work.example"})
    assert {"type": "work", "value": "ada@work.example"} in user["emails"]
    user = patched(
        scim, ada, {"op": op, "path": 'addresses[type eq "work"].locality', "value": "X"}
    )
    assert user["addresses"] == [{"type": "work", "locality": "X"}]


def test_quoted_booleans_in_a_path(scim, ada):
    path = 'roles[primary eq "True"].value'
    user = patched(scim, ada, {"op": "Add", "path": path, "value": "editor"})
    assert user["roles"] == [{"primary": True, "value": "editor"}]


def test_paths_as_keys_of_a_value(scim, ada):
    value = {
        "displayName": "B",
        "name.givenName": "K",
        'emails[type eq "work"].value': "a@b.example",
        f"{ENTERPRISE}:employeeNumber": "A",
    }
    user = patched(scim, ada, {"op": "replace", "value": value})
    assert user["displayName"] == "B"
    assert user["name"]["givenName"] == "K"
    assert {"type": "work", "value": "a@b.example"} in user["emails"]
    assert user[ENTERPRISE]["employeeNumber"] == "A"


@pytest.mark.parametrize("path", [f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"])
def test_manager_as_a_bare_id(scim, ada, path):
    user = patched(scim, ada, {"op": "Replace", "path": path, "value": "7"})
    assert user[ENTERPRISE]["manager"] == {"value": "7"}
    user = patched(scim, ada, {"op": "Replace", "path": path, "value": ""})
    assert "manager" not in user[ENTERPRISE]


def test_manager_as_a_bare_id_in_a_resource(scim):
    user = scim.create("/Users", userName="a", **{ENTERPRISE: {"manager": "7"}})
    assert user[ENTERPRISE] == {"manager": {"value": "7"}}
    user = scim.put(
        f"/Users/{user['id']}", userName="a", **{ENTERPRISE: {"manager": "", "department": "D"}}
    )
    assert user[ENTERPRISE] == {"department": "D"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "displayName", "value": None},
        {"op": "replace", "value": {"displayName": None}},
        {"op": "remove", "path": "displayName"},
    ],
)
def test_null_clears(scim, ada, operation):
    assert "displayName" not in patched(scim, ada, operation)


def test_null_clears_a_sub_attribute(scim, ada):
    assert "name" not in patched(
        scim, ada, {"op": "Replace", "path": "name.givenName", "value": None}
    )


def test_nulls_in_a_resource_are_left_out(scim):
    user = scim.create("/Users", userName="a", title=None, name={"givenName": None}, emails=None)
    assert not {"title", "name", "emails"} & user.keys()


@pytest.mark.parametrize(
    "roles",
    [
        ["editor"],
        [{"value": "editor"}],
        ['{"value": "editor", "display": "Editor", "primary": "True"}'],
        [{"value": '{"id": "1", "value": "editor", "displayName": "Editor"}'}],
    ],
)
def test_roles_as_texts(scim, ada, roles):
    created = scim.create("/Users", userName="b", roles=roles)["roles"]
    added = patched(scim, ada, {"op": "Add", "path": "roles", "value": roles})["roles"]
    assert created == added
    assert created[0]["value"] == "editor"


def test_an_unknown_schema_is_left_out(scim):
    answer = scim.call("POST", "/Groups", {"schemas": [GROUP, MICROSOFT_GROUP], "displayName": "G"})
    assert answer.get_json()["schemas"] == [GROUP]


def test_an_unknown_attribute_is_not_refused(scim, ada):
    assert patched(scim, ada, {"op": "add", "path": "shoeSize", "value": 4})["id"] == ada["id"]
    user = scim.put(f"/Users/{ada['id']}", userName="ada@example.com", shoeSize=4)
    assert "shoeSize" not in user


def test_a_patch_that_asks_for_nothing_is_answered_200(scim, ada):
    assert patched(scim, ada, {"op": "replace", "value": {"id": ada["id"]}}) == ada
    schemas = {"op": "replace", "value": {"schemas": [USER]}}
    assert patched(scim, ada, schemas) == ada


def test_manager_is_found_without_its_urn(scim, ada):
    probe = f'id eq "{ada["id"]}" and manager eq "{{}}"'
    assert scim.found("/Users", probe.format("1")) == ["ada@example.com"]
    assert scim.found("/Users", probe.format("2")) == []
    assert scim.found("/Users", 'displayName eq "manager eq 1"') == []
    assert scim.found("/Users", f'{ENTERPRISE}:manager.value eq "1"') == ["ada@example.com"]
    body = {"filter": probe.format(1)}
    assert scim.call("POST", "/Users/.search", body).get_json()["totalResults"] == 1


def test_a_filter_with_a_text_without_end_is_read_once():
    endless = '"' + '\\"' * 50_000
    assert manager_without_its_urn(endless) == endless


def test_urns_of_the_draft(scim):
    body = {
        "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
        "userName": "grace@example.com",
        "urn:scim:schemas:extension:enterprise:2.0": {"department": "Compilers"},
    }
    user = scim.call("POST", "/Users", body).get_json()
    assert user["schemas"] == [USER, ENTERPRISE]
    assert user[ENTERPRISE] == {"department": "Compilers"}
    group = scim.call("POST", "/Groups", {"schemas": body["schemas"][:1], "displayName": "G"})
    assert group.get_json()["schemas"] == [GROUP]
