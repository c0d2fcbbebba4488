"""Attributes no schema declares: kept or ignored as the account chose, and never silently."""

from __future__ import annotations

import pytest

from app.directory import accounts, provisioning_log
from app.store.models import User
from tests.conftest import write
from tests.inspection import row
from tests.scim.conftest import ENTERPRISE, GROUP, USER, new_client, patch_body

FOREIGN = "urn:example:people:2.0:User"


@pytest.fixture
def keeper(app, account):
    with write(account) as work:
        accounts.set_keeps_unknown(work, True)
    return new_client(app, account)


def notes(account):
    return provisioning_log.find(account)[0].row.notes


def test_they_are_ignored_and_reported(scim, account):
    user = scim.create(
        "/Users",
        userName="ada",
        favouriteColour="red",
        name={"givenName": "Ada", "nick": "A"},
        **{FOREIGN: {"x": 1}, ENTERPRISE: {"department": "D", "desk": "4"}},
    )
    assert "favouriteColour" not in user
    assert FOREIGN not in user
    assert row(User).undeclared is None
    assert notes(account) == [
        {"ignored": "favouriteColour"},
        {"ignored": FOREIGN},
        {"ignored": "name.nick"},
        {"ignored": f"{ENTERPRISE}:desk"},
    ]


def test_they_are_kept_and_reported(keeper, account):
    user = keeper.create(
        "/Users", userName="ada", favouriteColour="red", lucky=[7], **{FOREIGN: {"x": 1}}
    )
    assert (user["favouriteColour"], user["lucky"], user[FOREIGN]) == ("red", [7], {"x": 1})
    assert user["schemas"] == [USER, FOREIGN]
    assert {"kept": "favouriteColour"} in notes(account)
    assert keeper.get(f"/Users/{user['id']}")["favouriteColour"] == "red"
    assert keeper.get("/Users", attributes="favouriteColour")["Resources"][0] == {
        "schemas": [USER],
        "id": user["id"],
        "favouriteColour": "red",
    }


def test_a_put_replaces_them_and_a_patch_changes_them(keeper):
    user = keeper.create("/Users", userName="ada", colour="red", size="L")
    path = f"/Users/{user['id']}"
    changed = keeper.patch(
        path,
        {"op": "replace", "path": "Colour", "value": "blue"},
        {"op": "add", "value": {"shoe": 42, "title": "Dr"}},
        {"op": "remove", "path": "size"},
        {"op": "replace", "value": {FOREIGN: {"x": 2}}},
    )
    told = (changed["Colour"], changed["shoe"], changed["title"], changed[FOREIGN])
    assert told == ("blue", 42, "Dr", {"x": 2})
    assert "size" not in changed
    assert "colour" not in changed
    replaced = keeper.put(path, userName="ada", hat="bowler")
    assert replaced["hat"] == "bowler"
    assert "shoe" not in replaced


def test_groups_keep_them_too(keeper):
    group = keeper.create("/Groups", displayName="G", colour="red")
    assert keeper.get(f"/Groups/{group['id']}")["colour"] == "red"
    changed = keeper.patch(
        f"/Groups/{group['id']}", {"op": "replace", "path": "colour", "value": "blue"}
    )
    assert changed["colour"] == "blue"


def test_a_bulk_request_keeps_them_too(keeper, account):
    created = {"schemas": [USER], "userName": "ada", "colour": "red"}
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": created},
            {
                "method": "PATCH",
                "path": "/Users/bulkId:1",
                "data": patch_body({"op": "add", "path": "size", "value": "L"}),
            },
        ],
    }
    answer = keeper.call("POST", "/Bulk", body).get_json()
    assert [each["status"] for each in answer["Operations"]] == ["201", "200"]
    assert row(User).undeclared == {"colour": "red", "size": "L"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "colour", "value": "red"},
        {"op": "add", "path": f"{FOREIGN}:x", "value": 1},
        {"op": "remove", "path": "colour"},
        {"op": "replace", "path": 'colours[value eq "x"].type', "value": 1},
    ],
)
def test_an_unknown_path_is_ignored_and_reported(scim, account, operation):
    user = scim.create("/Users", userName="ada", title="Dr")
    assert scim.patch(f"/Users/{user['id']}", operation)["title"] == "Dr"
    assert len(notes(account)) == 1


def test_what_is_kept_is_bounded(keeper):
    for extra in ({f"a{n}": n for n in range(101)}, {"a": "x" * 200_000}, {"b\0": 1}):
        body = {"schemas": [USER], "userName": "ada"} | extra
        assert keeper.refused("POST", "/Users", body)["status"] == "400"
    deep = {"schemas": [GROUP], "displayName": "G", "a": _nested(60)}
    assert keeper.call("POST", "/Groups", deep).status_code in (201, 400)


def _nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value
