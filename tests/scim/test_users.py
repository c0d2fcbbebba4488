"""Users over SCIM: create, read, replace, delete, and the rules that hold."""

import pytest

from tests.scim.conftest import ENTERPRISE, USER, new_client


def a_user(scim, user_name="ada@example.com", **more):
    return scim.create("/Users", userName=user_name, **more)


def test_a_created_user_is_answered_whole_with_its_location_and_version(scim):
    answer = scim.call(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "userName": "ada@example.com",
            "externalId": "00u1",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": "ada@corp.local", "type": "work", "primary": True}],
            ENTERPRISE: {"department": "Analysis", "manager": {"value": "42"}},
        },
    )
    user = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == user["meta"]["location"]
    assert answer.headers["ETag"] == user["meta"]["version"] == 'W/"1"'
    assert user["schemas"] == [USER, ENTERPRISE]
    assert user["active"] is True
    assert user["emails"] == [{"value": "ada@corp.local", "type": "work", "primary": True}]
    assert user[ENTERPRISE] == {"department": "Analysis", "manager": {"value": "42"}}
    assert scim.get(f"/Users/{user['id']}") == user


def test_a_password_is_never_returned_or_searchable(scim):
    user = a_user(scim, password="correct horse battery")
    assert "password" not in user
    assert "password" not in scim.get(f"/Users/{user['id']}", attributes="password")
    assert scim.found("/Users", 'password eq "correct horse battery"') == []


def test_a_user_name_is_taken_in_any_case(scim):
    a_user(scim)
    error = scim.refused("POST", "/Users", {"schemas": [USER], "userName": "ADA@Example.com"})
    assert (error["status"], error["scimType"]) == ("409", "uniqueness")


def test_put_replaces_and_ignores_what_is_read_only(scim):
    user = a_user(scim, title="Countess", nickName="A")
    sent = {
        "userName": "ada@example.com",
        "id": "another",
        "meta": {"created": "1815-12-10T00:00:00Z"},
        "groups": [{"value": "x"}],
        "title": "Analyst",
    }
    replaced = scim.put(f"/Users/{user['id']}", **sent)
    assert replaced["id"] == user["id"]
    assert replaced["title"] == "Analyst"
    assert "nickName" not in replaced and "groups" not in replaced
    assert replaced["meta"]["created"] == user["meta"]["created"]


def test_a_put_that_changes_nothing_keeps_the_version(scim):
    user = a_user(scim, title="Countess")
    assert scim.put(f"/Users/{user['id']}", **user)["meta"] == user["meta"]


def test_a_put_without_active_lets_nobody_in_again(scim):
    user = a_user(scim, active=False)
    assert scim.put(f"/Users/{user['id']}", userName="ada@example.com")["active"] is False


def test_delete_is_final(scim):
    user = a_user(scim)
    assert scim.call("DELETE", f"/Users/{user['id']}").status_code == 204
    assert scim.refused("GET", f"/Users/{user['id']}")["status"] == "404"
    assert scim.refused("DELETE", f"/Users/{user['id']}")["status"] == "404"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_on_an_older_version_is_refused(scim, method):
    user = a_user(scim)
    path = f"/Users/{user['id']}"
    scim.put(path, userName="ada@example.com", title="changed")
    body = {
        "PUT": {"schemas": [USER], "userName": "ada@example.com"},
        "PATCH": {"Operations": [{"op": "replace", "path": "title", "value": "lost"}]},
    }.get(method)
    assert scim.refused(method, path, body, If_Match=user["meta"]["version"])["status"] == "412"
    assert scim.get(path)["title"] == "changed"


def test_a_read_of_a_known_version_is_answered_304(scim):
    user = a_user(scim)
    answer = scim.call("GET", f"/Users/{user['id']}", If_None_Match=user["meta"]["version"])
    assert (answer.status_code, answer.get_data()) == (304, b"")


def test_groups_of_a_user_show_direct_and_indirect(scim):
    ada = a_user(scim)
    inner = scim.create("/Groups", displayName="Inner", members=[{"value": ada["id"]}])
    scim.create("/Groups", displayName="Outer", members=[{"value": inner["id"]}])
    groups = scim.get(f"/Users/{ada['id']}")["groups"]
    assert [(each["display"], each["type"]) for each in groups] == [
        ("Inner", "direct"),
        ("Outer", "indirect"),
    ]


def test_tenants_do_not_see_each_other(app, scim):
    from app.directory import accounts
    from tests.conftest import CLI_ACTOR

    user = a_user(scim)
    group = scim.create("/Groups", displayName="Ours", members=[{"value": user["id"]}])
    stranger = new_client(app, accounts.create(CLI_ACTOR, "Others"))
    for path in (f"/Users/{user['id']}", f"/Groups/{group['id']}"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {
                "PUT": {"schemas": [USER], "userName": "x", "displayName": "x"},
                "PATCH": {"Operations": [{"op": "replace", "path": "externalId", "value": "x"}]},
            }.get(method)
            assert stranger.refused(method, path, body)["status"] == "404"
    assert stranger.get("/Users")["totalResults"] == 0
    assert stranger.found("/Groups", f'members.value eq "{user["id"]}"') == []
    member = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G"}
    error = stranger.refused("POST", "/Groups", member | {"members": [{"value": user["id"]}]})
    assert error["scimType"] == "invalidValue"
    a_user(stranger)
