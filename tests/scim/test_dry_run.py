"""``Prefer: dry-run``: what would change, who would gain or lose what; nothing is written."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.directory import mappings
from app.store.database import db
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user
from tests.scim.conftest import GROUP, USER, patch_body

SCHEMA = "urn:gatehouse:scim:api:messages:2.0:DryRun"


def everything():
    """Return every row of every table but what notes that a token is in use."""
    return {
        table.name: db.session.execute(
            select(*(each for each in table.columns if each.name != "last_used_at"))
        ).all()
        for table in db.metadata.sorted_tables
    }


def dry(scim, method, path, body=None):
    """Ask for a dry run, and see that it writes nothing."""
    before = everything()
    answer = scim.call(method, path, body, Prefer="respond-async, dry-run")
    assert everything() == before
    return answer


def seen(scim, method, path, body=None):
    answer = dry(scim, method, path, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.headers["Preference-Applied"] == "dry-run"
    document = answer.get_json()
    assert document["schemas"] == [SCHEMA]
    return document


@pytest.fixture
def brand(account):
    folder = a_folder(account, "Brand")
    with write(account) as work:
        mappings.create(work, "Designers", "editor", folder)
    return folder


def test_a_user_that_would_be_made(scim, account):
    a_master_admin(account)
    document = seen(scim, "POST", "/Users", {"schemas": [USER], "userName": "ada"})
    assert document["status"] == "201"
    assert document["response"]["userName"] == "ada"
    (change,) = document["changes"]
    assert (change["action"], change["target"]["display"]) == ("user.created", "ada")
    assert (document["access"], document["truncated"]) == ([], False)


def test_a_member_who_would_gain_and_one_who_would_lose(scim, account, brand):
    ada, eve = a_user(account, "ada"), a_user(account, "eve")
    group = a_group(account, "Designers", members=[eve])
    operations = [
        {"op": "add", "path": "members", "value": [{"value": ada}]},
        {"op": "remove", "path": f'members[value eq "{eve}"]'},
    ]
    document = seen(scim, "PATCH", f"/Groups/{group}", patch_body(*operations))
    rights = {"value": brand, "display": "/Brand", "roles": ["editor"]}
    nothing = {"accountRoles": [], "folders": []}
    assert document["access"] == [
        {
            "user": {"value": ada, "display": "ada"},
            "gains": {"accountRoles": [], "folders": [rights]},
            "loses": nothing,
        },
        {
            "user": {"value": eve, "display": "eve"},
            "gains": nothing,
            "loses": {"accountRoles": [], "folders": [rights]},
        },
    ]


@pytest.mark.parametrize("how", ["deactivated", "deleted"])
def test_somebody_who_would_be_out(scim, account, brand, how):
    ada = a_user(account, "ada")
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "reports")
    if how == "deleted":
        document = seen(scim, "DELETE", f"/Users/{ada}")
        assert document["status"] == "204"
        assert "response" not in document
    else:
        off = patch_body({"op": "replace", "path": "active", "value": False})
        document = seen(scim, "PATCH", f"/Users/{ada}", off)
    (change,) = document["access"]
    assert change["loses"]["accountRoles"] == ["reports"]
    assert [each["display"] for each in change["loses"]["folders"]] == ["/Brand"]


def test_a_group_that_would_be_deleted(scim, account, brand):
    inner = a_group(account, "Inner", members=[a_user(account, "ada")])
    group = a_group(account, "Designers", members=[inner])
    document = seen(scim, "DELETE", f"/Groups/{group}")
    assert [each["user"]["display"] for each in document["access"]] == ["ada"]


def test_a_group_that_would_match_a_mapping(scim, account, brand):
    ada = a_user(account, "ada")
    body = {"schemas": [GROUP], "displayName": "Designers", "members": [{"value": ada}]}
    document = seen(scim, "POST", "/Groups", body)
    actions = [each["action"] for each in document["changes"]]
    assert actions == ["group.created", "grant.given", "group.members_added"]
    assert [each["user"]["display"] for each in document["access"]] == ["ada"]


def test_a_refusal_is_the_one_there_would_be(scim, account):
    admin = a_master_admin(account, "ada")
    assert dry(scim, "DELETE", f"/Users/{admin}").status_code == 409
    taken = {"schemas": [USER], "userName": "ADA"}
    assert dry(scim, "POST", "/Users", taken).get_json()["scimType"] == "uniqueness"
    assert dry(scim, "DELETE", "/Users/unknown").status_code == 404


def test_a_bulk_request(scim, account):
    admin = a_master_admin(account, "root")
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "ada"}},
        {"method": "POST", "path": "/Users", "bulkId": "2", "data": {"userName": "ADA"}},
        {"method": "DELETE", "path": f"/Users/{admin}"},
    ]
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    document = seen(scim, "POST", "/Bulk", {"schemas": [schema], "Operations": operations})
    statuses = [each["status"] for each in document["response"]["Operations"]]
    assert statuses == ["201", "409", "409"]
    assert [each["action"] for each in document["changes"]] == ["user.created"]


def test_unknown_attributes_are_told(scim):
    body = {"schemas": [USER], "userName": "ada", "colour": "red"}
    assert seen(scim, "POST", "/Users", body)["notes"] == [{"ignored": "colour"}]


def test_a_read_is_just_read(scim):
    answer = scim.call("GET", "/Users", Prefer="dry-run")
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers


def test_after_a_dry_run_the_write_is_done_as_told(scim, account):
    body = {"schemas": [USER], "userName": "ada"}
    seen(scim, "POST", "/Users", body)
    assert scim.call("POST", "/Users", body).status_code == 201
