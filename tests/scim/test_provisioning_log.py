"""Every write and every failure over SCIM has its line, with the change or the reason."""

from __future__ import annotations

from app.directory import provisioning_log
from app.store.models import ProvisioningEntry
from tests.factories import a_master_admin
from tests.inspection import rows
from tests.scim.conftest import USER, patch_body


def newest(account, **wanted):
    return provisioning_log.find(account, **wanted)[0]


def test_a_write_says_who_what_and_how_long(scim, account):
    user = scim.create("/Users", userName="ada")
    answer = scim.call(
        "PATCH",
        f"/Users/{user['id']}",
        patch_body({"op": "replace", "path": "title", "value": "Dr"}),
        User_Agent="Okta SCIM Client 1.0.0",
    )
    logged = newest(account)
    entry = logged.row
    assert (entry.method, entry.path, entry.status) == ("PATCH", f"/Users/{user['id']}", 200)
    assert (entry.actor_name, entry.user_agent) == ("tests", "Okta SCIM Client 1.0.0")
    assert entry.request_id == answer.headers["X-Request-Id"]
    assert entry.duration_us > 0
    change = logged.changes[-1]
    assert (change.action, change.before, change.after) == ("user.updated", {}, {"title": "Dr"})


def test_a_refusal_says_why(scim, account):
    scim.create("/Users", userName="ada")
    scim.refused("POST", "/Users", {"schemas": [USER], "userName": "ADA"})
    entry = newest(account, failures=True).row
    assert (entry.status, entry.scim_type, entry.resource_name) == (409, "uniqueness", "ADA")
    assert "already" in entry.detail
    assert newest(account, user="ada").row.id == entry.id


def test_a_failed_read_is_there_and_a_good_one_is_not(scim, account):
    scim.get("/Users")
    assert rows(ProvisioningEntry) == []
    scim.refused("GET", "/Users", query={"filter": "nonsense"})
    scim.refused("GET", "/Users/unknown")
    assert [each.row.status for each in provisioning_log.find(account)] == [404, 400]


def test_what_is_undone_leaves_its_failure_alone(scim, account):
    admin = a_master_admin(account, "ada")
    scim.refused("DELETE", f"/Users/{admin}")
    (logged,) = provisioning_log.find(account)
    assert (logged.row.status, logged.changes) == (409, [])


def test_each_operation_of_a_bulk_request_has_its_line(scim, account):
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(number), "data": data}
        for number, data in enumerate(
            [{"schemas": [USER], "userName": "ada"}, {"schemas": [USER], "userName": "Ada"}, {}]
        )
    ]
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    answer = scim.call("POST", "/Bulk", {"schemas": [schema], "Operations": operations})
    logged = [each.row for each in reversed(provisioning_log.find(account))]
    assert [(each.path, each.status) for each in logged] == [
        ("/Users", 201),
        ("/Users", 409),
        ("/Users", 400),
    ]
    assert {each.request_id for each in logged} == {answer.headers["X-Request-Id"]}
    assert logged[1].resource_name == "Ada"


def test_no_password_and_no_token_is_in_it(scim, account):
    scim.create("/Users", userName="ada", password="correct horse battery")
    scim.refused("POST", "/Users", {"schemas": [USER], "password": "correct horse battery"})
    scim.refused("GET", "/Users", query={"filter": 'password eq "correct horse battery" or'})
    text = repr([dict(each._mapping) for each in rows(ProvisioningEntry)])
    assert "horse" not in text
    assert scim.token not in text
