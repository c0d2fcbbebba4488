"""Folders and grants as resource types: a provider assigns people to folders directly."""

from __future__ import annotations

from typing import Any

import pytest

from app.access.decisions import check
from app.directory import folders, mappings
from app.security.tokens import SCOPES
from app.store.models import AuditEvent, Grant
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user, an_account
from tests.inspection import row
from tests.scim.conftest import ScimClient, new_client, patch_body

FOLDER = "urn:gatehouse:scim:schemas:core:2.0:Folder"
GRANT = "urn:gatehouse:scim:schemas:core:2.0:Grant"


@pytest.fixture
def client(app, account) -> ScimClient:
    return new_client(app, account, *SCOPES)


def post(client: ScimClient, path: str, schema: str, **body: Any) -> dict[str, Any]:
    answer = client.call("POST", path, {"schemas": [schema]} | body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.get_json()


def a_scim_folder(client: ScimClient, name: str, **body: Any) -> dict[str, Any]:
    return post(client, "/Folders", FOLDER, displayName=name, **body)


def a_scim_grant(client: ScimClient, to: str, role: str, folder: str | None = None, **body: Any):
    where = {"folder": {"value": folder}} if folder else {}
    return post(client, "/Grants", GRANT, principal={"value": to}, role=role, **where, **body)


# -- Folders ------------------------------------------------------------------


def test_a_folder_is_made_renamed_moved_and_deleted(client, account):
    brand = a_scim_folder(client, "Brand", externalId="b1")
    year = a_scim_folder(client, "2026", parent={"value": brand["id"]}, restricted=True)
    assert (year["path"], year["restricted"]) == ("/Brand/2026", True)
    assert year["parent"]["value"] == brand["id"]
    assert brand["parent"]["value"] == folders.root_of(account)

    path = f"/Folders/{year['id']}"
    moved = client.patch(
        path,
        {"op": "replace", "path": "displayName", "value": "2027"},
        {"op": "replace", "path": "parent.value", "value": folders.root_of(account)},
    )
    assert (moved["path"], moved["meta"]["version"]) == ("/2027", 'W/"2"')
    moved = client.patch(path, {"op": "add", "path": "parent", "value": {"value": brand["id"]}})
    assert moved["path"] == "/Brand/2027"
    assert client.refused("DELETE", f"/Folders/{brand['id']}")["status"] == "409"
    assert client.call("DELETE", path).status_code == 204
    assert client.call("DELETE", f"/Folders/{brand['id']}").status_code == 204


def test_a_put_without_parent_and_restricted_leaves_them(client):
    brand = a_scim_folder(client, "Brand")
    year = a_scim_folder(client, "2026", parent={"value": brand["id"]}, restricted=True)
    answer = client.call(
        "PUT", f"/Folders/{year['id']}", {"schemas": [FOLDER], "displayName": "2027"}
    )
    assert answer.get_json()["path"] == "/Brand/2027"
    assert answer.get_json()["restricted"] is True


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "replace", "path": "parent.value", "value": "unknown"}, "404"),
        ({"op": "add", "path": "parent", "value": {"value": "unknown"}}, "404"),
        ({"op": "replace", "path": "displayName", "value": "a/b"}, "400"),
        ({"op": "replace", "path": "displayName", "value": "press"}, "409"),
        ({"op": "remove", "path": "displayName"}, "400"),
    ],
)
def test_what_a_folder_refuses(client, operation, status):
    a_scim_folder(client, "Press")
    folder = a_scim_folder(client, "Brand")
    error = client.refused("PATCH", f"/Folders/{folder['id']}", patch_body(operation))
    assert error["status"] == status
    assert client.get(f"/Folders/{folder['id']}") == folder


def test_a_folder_cannot_lie_in_itself_and_the_root_stays(client, account):
    brand = a_scim_folder(client, "Brand")
    year = a_scim_folder(client, "2026", parent={"value": brand["id"]})
    into = patch_body({"op": "replace", "path": "parent.value", "value": year["id"]})
    assert client.refused("PATCH", f"/Folders/{brand['id']}", into)["status"] == "400"
    root = f"/Folders/{folders.root_of(account)}"
    rename = patch_body({"op": "replace", "path": "displayName", "value": "Top"})
    assert client.refused("PATCH", root, rename)["status"] == "403"
    assert client.refused("DELETE", root)["status"] == "403"
    assert client.get(root)["path"] == "/"


def test_a_provider_deletes_no_folder_with_roles_given_by_others(client, account):
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    a_grant(account, a_user(account), "viewer", brand)
    with write(account) as work:
        mappings.create(work, "Editors", "editor", press)
    for folder in (brand, press):
        error = client.refused("DELETE", f"/Folders/{folder}")
        assert (error["status"], "administrator" in error["detail"]) == ("403", True)
    own = a_folder(account, "Own")
    a_scim_grant(client, a_user(account), "viewer", own)
    assert client.call("DELETE", f"/Folders/{own}").status_code == 204


def test_folders_are_found(client, account):
    brand = a_scim_folder(client, "Brand", externalId="b1")
    a_scim_folder(client, "2026", parent={"value": brand["id"]}, restricted=True)
    assert client.found("/Folders", 'displayName eq "BRAND"') == ["Brand"]
    assert client.found("/Folders", 'externalId eq "b1"') == ["Brand"]
    assert client.found("/Folders", f'parent.value eq "{brand["id"]}"') == ["2026"]
    assert client.found("/Folders", "restricted eq true") == ["2026"]
    assert client.found("/Folders", "not (parent pr)") == ["/"]
    assert client.refused("GET", "/Folders", query={"filter": 'path eq "/"'})["status"] == "400"


def test_an_older_version_of_a_folder_is_not_written(client):
    folder = a_scim_folder(client, "Brand")
    answer = client.call("DELETE", f"/Folders/{folder['id']}", If_Match='W/"9"')
    assert answer.status_code == 412


# -- Grants -------------------------------------------------------------------


def test_a_grant_gives_access_and_its_end_takes_it(client, account):
    ada, brand = a_user(account), a_folder(account, "Brand")
    grant = a_scim_grant(client, ada, "editor", brand, reason="campaign", externalId="g1")
    assert grant["principal"]["type"] == "User"
    assert (grant["folder"]["display"], grant["origin"]) == ("/Brand", "scim")
    assert check(account, ada, "asset.edit", brand).allowed
    past = {"op": "replace", "path": "expiresAt", "value": "2020-01-01T00:00:00Z"}
    assert client.patch(f"/Grants/{grant['id']}", past)["expiresAt"] == "2020-01-01T00:00:00Z"
    assert not check(account, ada, "asset.edit", brand).allowed
    client.patch(f"/Grants/{grant['id']}", {"op": "remove", "path": "expiresAt"})
    assert check(account, ada, "asset.edit", brand).allowed
    assert client.call("DELETE", f"/Grants/{grant['id']}").status_code == 204
    assert not check(account, ada, "asset.edit", brand).allowed


def test_a_grant_to_a_group_reaches_its_members(client, account):
    ada, brand = a_user(account), a_folder(account, "Brand")
    group = a_group(account, "Designers", members=[ada])
    grant = a_scim_grant(client, group, "viewer", brand)
    assert (grant["principal"]["type"], grant["principal"]["display"]) == ("Group", "Designers")
    assert check(account, ada, "asset.view", brand).allowed
    assert client.get("/Grants", filter=f'principal.value eq "{group}"')["totalResults"] == 1
    found = client.get("/Grants", filter=f'folder.value eq "{brand}" and role eq "VIEWER"')
    assert found["Resources"] == [grant]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"principal": {"value": "nobody"}, "role": "viewer"}, "404"),
        ({"role": "nothing"}, "400"),
        ({"role": "admin"}, "400"),
        ({"folder": {"value": "nowhere"}}, "404"),
        ({"role": None}, "400"),
        ({"principal": None}, "400"),
        ({"notBefore": "2026-02-01T00:00:00Z", "expiresAt": "2026-01-01T00:00:00Z"}, "400"),
        ({"principal": {"type": "User"}}, "400"),
    ],
)
def test_what_a_grant_refuses(client, account, body, status):
    ada, brand = a_user(account), a_folder(account, "Brand")
    good = {"schemas": [GRANT], "principal": {"value": ada}, "role": "viewer"}
    error = client.refused("POST", "/Grants", good | {"folder": {"value": brand}} | body)
    assert error["status"] == status, error


def test_what_a_grant_is_of_cannot_change(client, account):
    grant = a_scim_grant(client, a_user(account), "viewer", a_folder(account))
    for path, value in (("role", "editor"), ("principal.value", "x"), ("folder.value", "x")):
        change = patch_body({"op": "replace", "path": path, "value": value})
        error = client.refused("PATCH", f"/Grants/{grant['id']}", change)
        assert (error["status"], error["scimType"]) == ("400", "mutability")


def test_a_provider_takes_back_only_what_came_from_providers(client, account):
    ada, brand = a_user(account), a_folder(account)
    a_grant(account, ada, "viewer", brand)
    by_hand = row(Grant).id
    assert client.get(f"/Grants/{by_hand}")["origin"] == "manual"
    assert client.refused("DELETE", f"/Grants/{by_hand}")["status"] == "403"
    given = a_scim_grant(client, ada, "viewer", brand)
    assert client.call("DELETE", f"/Grants/{given['id']}").status_code == 204
    assert check(account, ada, "asset.view", brand).allowed


def test_each_scope_gives_no_more_than_it_says(app, account):
    ada, brand = a_user(account), a_folder(account)
    body = {"schemas": [GRANT], "principal": {"value": ada}, "role": "admin"}
    plain = new_client(app, account)
    assert plain.refused("POST", "/Grants", body)["status"] == "403"
    assert plain.refused("GET", "/Folders")["status"] == "403"
    grants = new_client(app, account, "grants")
    assert "admins" in grants.refused("POST", "/Grants", body)["detail"]
    a_scim_grant(grants, ada, "media_library_user")
    a_scim_grant(grants, ada, "viewer", brand)
    admins = new_client(app, account, "grants", "admins")
    made = a_scim_grant(admins, ada, "admin")
    assert grants.refused("DELETE", f"/Grants/{made['id']}")["status"] == "403"


def test_the_last_master_admin_keeps_the_grant(client, account):
    ada = a_user(account)
    grant = a_scim_grant(client, ada, "master_admin")
    assert client.refused("DELETE", f"/Grants/{grant['id']}")["status"] == "409"
    assert row(AuditEvent, outcome="refused").action == "directory.refused"
    a_master_admin(account)
    assert client.call("DELETE", f"/Grants/{grant['id']}").status_code == 204


def test_accounts_do_not_see_each_other(app, account):
    other_account = an_account()
    mine, theirs = (new_client(app, each, *SCOPES) for each in (account, other_account))
    folder = a_scim_folder(mine, "Brand")
    grant = a_scim_grant(mine, a_user(account), "viewer", folder["id"])
    for path in (f"/Folders/{folder['id']}", f"/Grants/{grant['id']}"):
        assert theirs.refused("GET", path)["status"] == "404"
        assert theirs.refused("DELETE", path)["status"] == "404"
    body = {"schemas": [GRANT], "principal": {"value": a_user(other_account)}, "role": "viewer"}
    error = theirs.refused("POST", "/Grants", body | {"folder": {"value": folder["id"]}})
    assert error["status"] == "404"


def test_a_bulk_request_makes_a_folder_and_a_grant_on_it(client, account):
    operations = [
        {
            "method": "POST",
            "path": "/Grants",
            "bulkId": "g",
            "data": {
                "schemas": [GRANT],
                "principal": {"value": "bulkId:u"},
                "role": "viewer",
                "folder": {"value": "bulkId:f"},
            },
        },
        {
            "method": "POST",
            "path": "/Folders",
            "bulkId": "f",
            "data": {"schemas": [FOLDER], "displayName": "Brand"},
        },
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "u",
            "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "ada",
            },
        },
    ]
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }
    answer = client.call("POST", "/Bulk", body).get_json()
    assert [each["status"] for each in answer["Operations"]] == ["201"] * 3
    assert row(Grant).folder_id == row_id(answer, 1)


def row_id(answer: dict[str, Any], index: int) -> str:
    return answer["Operations"][index]["location"].rpartition("/")[2]
