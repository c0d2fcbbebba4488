"""Groups over SCIM: members in every form clients send them, written by difference."""

import pytest

from scim.handler import MEMBERS_IN_PATCH_REPLY
from tests.scim.conftest import GROUP


@pytest.fixture
def people(scim):
    """Ada, Bob and Cy, by first letter."""
    return {
        name[0]: scim.create("/Users", userName=f"{name}@example.com")["id"]
        for name in ("ada", "bob", "cy")
    }


def members_of(scim, group):
    found = scim.get(f"/Groups/{group['id']}").get("members", [])
    users = {each["id"]: each["userName"] for each in scim.get("/Users")["Resources"]}
    return sorted(users[member["value"]].split("@")[0] for member in found)


def named(*ids):
    return [{"value": each} for each in ids]


def test_a_member_is_rendered_with_its_kind_and_place(scim, people):
    inner = scim.create("/Groups", displayName="Inner")
    group = scim.create("/Groups", displayName="G", members=named(people["a"], inner["id"]))
    user, nested = group["members"]
    assert user["$ref"].endswith(f"/scim/v2/Users/{people['a']}")
    assert (user["type"], user["value"]) == ("User", people["a"])
    assert nested["$ref"] == inner["meta"]["location"]
    assert (nested["type"], nested["value"]) == ("Group", inner["id"])


def test_members_are_named_on_request(scim, people):
    inner = scim.create("/Groups", displayName="Inner")
    members = named(people["a"], inner["id"])
    group = scim.create("/Groups", displayName="G", members=members)
    found = scim.get(f"/Groups/{group['id']}", attributes="members.value,members.display")
    assert [each["display"] for each in found["members"]] == ["ada@example.com", "Inner"]
    assert not any("display" in each for each in group["members"])


def test_put_writes_the_full_member_list(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(people["a"], people["b"]))
    path = f"/Groups/{group['id']}"
    scim.put(path, displayName="G", members=named(people["b"], people["c"]))
    assert members_of(scim, group) == ["bob", "cy"]
    scim.put(path, displayName="Renamed")
    assert members_of(scim, group) == []


def test_patch_adds_and_removes_as_okta_does(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(people["a"]))
    scim.patch(
        f"/Groups/{group['id']}",
        {"op": "remove", "path": f'members[value eq "{people["a"]}"]'},
        {"op": "add", "path": "members", "value": named(people["b"], people["c"])},
    )
    assert members_of(scim, group) == ["bob", "cy"]


def test_a_remove_with_a_value_takes_out_those_named_only(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(*people.values()))
    path = f"/Groups/{group['id']}"
    scim.patch(path, {"op": "Remove", "path": "members", "value": named(people["a"])})
    assert members_of(scim, group) == ["bob", "cy"]
    scim.patch(path, {"op": "Remove", "path": "members", "value": []})
    assert members_of(scim, group) == ["bob", "cy"]
    scim.patch(path, {"op": "remove", "path": "members"})
    assert members_of(scim, group) == []


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ('members[value eq "{a}" or value eq "{b}"]', ["cy"]),
        ('members[type eq "user" and value eq "{a}"]', ["bob", "cy"]),
        ('members[type eq "User" and not (value eq "{c}")]', ["cy"]),
        (GROUP + ":members", []),
        (GROUP + ':members[value eq "{c}"]', ["ada", "bob"]),
    ],
)
def test_members_are_removed_by_any_filter(scim, people, path, left):
    group = scim.create("/Groups", displayName="G", members=named(*people.values()))
    scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": path.format(**people)})
    assert members_of(scim, group) == left


def test_replace_without_a_path_renames_and_sets_members(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(people["a"]))
    value = {"id": group["id"], "displayName": "H", "members": named(people["c"])}
    renamed = scim.patch(f"/Groups/{group['id']}", {"op": "replace", "value": value})
    assert renamed["displayName"] == "H"
    assert members_of(scim, group) == ["cy"]


def test_a_patch_is_kept_whole_or_not_at_all(scim, people):
    group = scim.create("/Groups", displayName="G")
    body = {
        "Operations": [
            {"op": "replace", "path": "displayName", "value": "H"},
            {"op": "add", "path": "members", "value": named(people["a"], "nobody")},
        ]
    }
    error = scim.refused("PATCH", f"/Groups/{group['id']}", body)
    assert error["scimType"] == "invalidValue" and "nobody" in error["detail"]
    assert scim.get(f"/Groups/{group['id']}") == group


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": 'members[value eq "{a}"].type', "value": "x"},
        {"op": "replace", "path": "members.value", "value": "x"},
        {"op": "add", "path": 'members[value eq "{a}"]', "value": {"type": "x"}},
        {"op": "remove", "path": 'members[value zz "{a}"]'},
        {"op": "add", "path": "members", "value": [{"display": "no id"}]},
        {"op": "add", "path": "members"},
        {"op": "burn", "path": "members"},
        {"op": "add", "path": "members", "value": 7},
    ],
)
def test_what_cannot_be_done_to_a_member_is_refused(scim, people, operation):
    group = scim.create("/Groups", displayName="G", members=named(people["a"]))
    if "path" in operation:
        operation = operation | {"path": operation["path"].replace("{a}", people["a"])}
    error = scim.refused("PATCH", f"/Groups/{group['id']}", {"Operations": [operation]})
    assert error["status"] == "400"
    assert members_of(scim, group) == ["ada"]


def test_members_left_out_are_not_answered(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(people["a"]))
    path = f"/Groups/{group['id']}"
    assert "members" not in scim.get(path, excludedAttributes="members")
    assert "members" not in scim.get(path, attributes="displayName")
    listed = scim.get("/Groups", excludedAttributes="members", filter='displayName eq "g"')
    assert "members" not in listed["Resources"][0]
    only_values = scim.get(path, attributes="members.value")
    assert only_values["members"] == named(people["a"])


def test_membership_is_found_by_filter(scim, people):
    group = scim.create("/Groups", displayName="G", members=named(people["a"]))
    scim.create("/Groups", displayName="H", members=named(people["b"]))
    probe = 'id eq "{}" and members eq "{}"'
    assert scim.found("/Groups", probe.format(group["id"], people["a"])) == ["G"]
    assert scim.found("/Groups", probe.format(group["id"], people["b"])) == []
    assert scim.found("/Groups", 'members[type eq "user" and display sw "BOB"]') == ["H"]
    assert scim.found("/Users", f'groups.value eq "{group["id"]}"') == ["ada@example.com"]


def test_a_patch_of_a_large_group_answers_without_members(app, scim):
    ids = [scim.create("/Users", userName=f"u{n}")["id"] for n in range(MEMBERS_IN_PATCH_REPLY + 1)]
    group = scim.create("/Groups", displayName="G", members=named(*ids[:-1]))
    path = f"/Groups/{group['id']}"
    rename = {"op": "replace", "path": "externalId", "value": "x"}
    assert len(scim.patch(path, rename)["members"]) == MEMBERS_IN_PATCH_REPLY
    answer = scim.patch(path, {"op": "add", "path": "members", "value": named(ids[-1])})
    assert "members" not in answer
    assert len(scim.get(path)["members"]) == MEMBERS_IN_PATCH_REPLY + 1


def test_members_are_removed_by_their_names(scim):
    ada = scim.create("/Users", userName="ada", displayName="Ada")["id"]
    bob = scim.create("/Users", userName="bob")["id"]
    group = scim.create("/Groups", displayName="G", members=[{"value": ada}, {"value": bob}])
    remove = {"op": "remove", "path": 'members[display eq "ADA" and type eq "User"]'}
    left = scim.patch(f"/Groups/{group['id']}", remove)["members"]
    assert [each["value"] for each in left] == [bob]


def test_a_deleted_member_is_a_change_of_the_group(scim):
    ada = scim.create("/Users", userName="ada")["id"]
    group = scim.create("/Groups", displayName="G", members=[{"value": ada}])
    version = group["meta"]["version"]
    assert scim.call("DELETE", f"/Users/{ada}").status_code == 204
    path = f"/Groups/{group['id']}"
    assert scim.call("GET", path, If_None_Match=version).status_code == 200
    assert "members" not in scim.get(path)
