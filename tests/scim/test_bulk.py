"""Bulk requests (RFC 7644 §3.7): references both ways, each operation on its own."""

from tests.scim.conftest import ENTERPRISE, GROUP, USER, new_client

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def bulk(scim, *operations, **more):
    answer = scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations)} | more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()["Operations"]


def post_user(name, **more):
    data = {"schemas": [USER], "userName": name} | more
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def post_group(name, *members):
    entries = [{"value": f"bulkId:{each}"} for each in members]
    data = {"schemas": [GROUP], "displayName": name, "members": entries}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def statuses(outcomes):
    return [each["status"] for each in outcomes]


def test_a_thousand_operations_with_references_forward_and_back(scim):
    users = [post_user(f"user{number}") for number in range(990)]
    groups = [post_group(f"group{n}", *(f"user{m}" for m in range(n, 990, 10))) for n in range(10)]
    outcomes = bulk(scim, *groups[:5], *users, *groups[5:])
    assert statuses(outcomes) == ["201"] * 1000
    assert {each["bulkId"] for each in outcomes} == {each["bulkId"] for each in (*users, *groups)}
    assert scim.get("/Users", count=0)["totalResults"] == 990
    for group in scim.get("/Groups")["Resources"]:
        assert len(group["members"]) == 99


def test_every_method(scim):
    ada = scim.create("/Users", userName="ada")
    group = scim.create("/Groups", displayName="G", members=[{"value": ada["id"]}])
    user, path = f"/Users/{ada['id']}", f"/Groups/{group['id']}"
    patch = {"Operations": [{"op": "Add", "path": "members", "value": [{"value": "bulkId:bob"}]}]}
    outcomes = bulk(
        scim,
        post_user("bob"),
        {"method": "PATCH", "path": path, "data": {"schemas": [PATCH], **patch}},
        {
            "method": "PUT",
            "path": user,
            "version": ada["meta"]["version"],
            "data": {"schemas": [USER], "userName": "ada", "title": "T"},
        },
        {"method": "DELETE", "path": user},
    )
    assert statuses(outcomes) == ["201", "200", "200", "204"]
    assert outcomes[2]["location"] == ada["meta"]["location"]
    (member,) = scim.get(path)["members"]
    assert member["$ref"] == outcomes[0]["location"]
    assert scim.refused("GET", user)["status"] == "404"


PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def test_what_clients_get_wrong_is_put_right_in_bulk_too(scim):
    manager = {ENTERPRISE: {"manager": "7"}}
    (outcome,) = bulk(scim, post_user("ada", roles=["editor"], title=None, **manager))
    user = scim.get("/Users/" + outcome["location"].rsplit("/", 1)[1])
    assert user["roles"] == [{"value": "editor"}]
    assert user[ENTERPRISE] == {"manager": {"value": "7"}}


def test_an_operation_that_fails_undoes_itself_alone(scim):
    outcomes = bulk(scim, post_user("ada"), post_user("ADA"), post_user("bob"))
    assert statuses(outcomes) == ["201", "409", "201"]
    assert outcomes[1]["response"]["scimType"] == "uniqueness"
    assert scim.get("/Users")["totalResults"] == 2


def test_fail_on_errors_stops(scim):
    operations = [post_user("ada"), post_user("ADA"), post_user("ada"), post_user("bob")]
    for number, operation in enumerate(operations):
        operation["bulkId"] = str(number)
    assert statuses(bulk(scim, *operations, failOnErrors=2)) == ["201", "409", "409"]
    assert scim.get("/Users")["totalResults"] == 1


def test_an_unresolved_reference_is_a_conflict_or_a_bad_value(scim):
    (outcome,) = bulk(scim, post_group("G", "nobody"))
    assert outcome["status"] in ("400", "409")
    assert scim.get("/Groups")["totalResults"] == 0


def test_scopes_hold_in_bulk(app, account):
    users_only = new_client(app, account, "users")
    outcomes = bulk(users_only, post_user("ada"), post_group("G"))
    assert statuses(outcomes) == ["201", "403"]


def test_a_changed_version_is_not_overwritten(scim):
    ada = scim.create("/Users", userName="ada")
    put = {"method": "PUT", "path": f"/Users/{ada['id']}", "version": 'W/"99"'}
    (outcome,) = bulk(scim, put | {"data": {"schemas": [USER], "userName": "eve"}})
    assert outcome["status"] == "412"
    assert scim.found("/Users", 'userName eq "eve"') == []
