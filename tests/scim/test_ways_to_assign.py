"""The ways a provider assigns people to folders: groups, roles, entitlements, the account role."""

from __future__ import annotations

import pytest

from app.access.decisions import account_roles, check
from app.directory import grants, mappings
from app.directory.work import Actor, transaction
from app.store.models import Grant
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user
from tests.inspection import rows
from tests.scim.conftest import ENTERPRISE, USER, new_client, patch_body

ACCESS = "urn:gatehouse:scim:schemas:extension:2.0:User"


@pytest.fixture
def brand(account):
    folder = a_folder(account, "Brand")
    for match_by, value in (
        ("display_name", "Designers"),
        ("role", "Designer"),
        ("entitlement", "brand-editor"),
    ):
        with write(account) as work:
            mappings.create(work, value, "editor", folder, match_by=match_by)
    return folder


def may_edit(account, user_id, folder):
    return check(account, user_id, "asset.edit", folder).allowed


def test_by_group(scim, account, brand):
    ada = scim.create("/Users", userName="ada")["id"]
    group = scim.create("/Groups", displayName="designers", members=[{"value": ada}])
    assert may_edit(account, ada, brand)
    scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{ada}"]'})
    assert not may_edit(account, ada, brand)


@pytest.mark.parametrize(
    ("attribute", "value"), [("roles", "designer"), ("entitlements", "Brand-Editor")]
)
def test_by_a_value(scim, account, brand, attribute, value):
    ada = scim.create("/Users", userName="ada", **{attribute: [{"value": value}]})["id"]
    assert may_edit(account, ada, brand)
    scim.patch(f"/Users/{ada}", {"op": "remove", "path": f'{attribute}[value eq "{value}"]'})
    assert not may_edit(account, ada, brand)
    scim.patch(f"/Users/{ada}", {"op": "add", "path": attribute, "value": [{"value": value}]})
    assert may_edit(account, ada, brand)
    scim.put(f"/Users/{ada}", userName="ada")
    assert not may_edit(account, ada, brand)


def test_what_may_be_assigned_is_offered(scim, account, brand):
    with write(account) as work:
        mappings.create(work, "designer", "reports", match_by="role")
    (role,) = scim.get("/Roles", startIndex=1, count=100)["Resources"]
    assert role["schemas"] == ["urn:okta:scim:schemas:core:1.0:Role"]
    assert (role["id"], role["displayName"], role["type"]) == ("Designer", "Designer", "Role")
    assert "editor on /Brand" in role["description"]
    assert "reports" in role["description"]
    assert scim.get("/Roles/Designer") == role
    (entitlement,) = scim.get("/Entitlements", filter='displayName sw "BRAND"')["Resources"]
    assert entitlement["id"] == "brand-editor"
    assert scim.get("/Entitlements", filter='id eq "other"')["totalResults"] == 0
    assert scim.refused("GET", "/Roles/nothing")["status"] == "404"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_is_offered_is_made_by_administrators_alone(scim, brand, method):
    path = "/Roles" if method == "POST" else "/Roles/Designer"
    answer = scim.call(method, path, {"schemas": [USER], "Operations": []})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_a_root_search_finds_every_type_the_token_reaches(app, account, brand):
    a_user(account, "brand")
    client = new_client(app, account, "users", "folders")
    found = client.get("/", filter='displayName eq "brand" or userName eq "brand"')
    types = sorted(each["meta"]["resourceType"] for each in found["Resources"])
    assert types == ["Folder", "User"]


# -- The account role ---------------------------------------------------------


def test_the_account_role_is_a_grant(app, account):
    client = new_client(app, account, "users", "grants", "admins")
    user = client.create("/Users", userName="ada", **{ACCESS: {"accountRole": "Reports"}})
    assert user[ACCESS] == {"accountRole": "reports"}
    assert ACCESS in user["schemas"]
    assert [grant.role_id for grant in account_roles(account, user["id"])] == ["reports"]
    assert client.found("/Users", f'{ACCESS}:accountRole eq "REPORTS"') == ["ada"]
    assert client.found("/Users", f'schemas eq "{ACCESS}"') == ["ada"]
    path = f"/Users/{user['id']}"
    changed = client.patch(
        path, {"op": "replace", "path": f"{ACCESS}:accountRole", "value": "admin"}
    )
    assert changed[ACCESS] == {"accountRole": "admin"}
    assert changed["meta"]["version"] != user["meta"]["version"]
    # A client that does not know the extension does not take the role away.
    assert client.put(path, userName="ada")[ACCESS] == {"accountRole": "admin"}
    assert ACCESS not in client.patch(path, {"op": "remove", "path": f"{ACCESS}:accountRole"})
    assert account_roles(account, user["id"]) == []


def test_of_several_the_first_is_shown_and_all_are_taken_back(app, account):
    client = new_client(app, account, "users", "grants", "admins")
    for name, roles in {"ada": ("admin", "reports"), "bob": ("reports", "admin")}.items():
        user = client.create("/Users", userName=name)
        by_provider = Actor(type="token", name="Provider", surface="scim")
        for role in roles:
            with transaction(account, by_provider) as work:
                grants.give(work, grants.principal_with_id(account, user["id"], "user"), role)
        path = f"/Users/{user['id']}"
        assert client.get(path)[ACCESS] == {"accountRole": roles[0]}
        client.patch(path, {"op": "remove", "path": f"{ACCESS}:accountRole"})
        assert account_roles(account, user["id"]) == []


def test_it_needs_the_scopes_only_to_change(app, account, scim):
    admins = new_client(app, account, "users", "grants", "admins")
    user = admins.create("/Users", userName="ada", **{ACCESS: {"accountRole": "admin"}})
    path = f"/Users/{user['id']}"
    assert scim.put(path, **user | {"title": "Dr"})["title"] == "Dr"
    change = {"op": "replace", "path": f"{ACCESS}:accountRole", "value": "media_library_user"}
    assert scim.refused("PATCH", path, patch_body(change))["status"] == "403"
    drop = {"op": "remove", "path": f"{ACCESS}:accountRole"}
    assert scim.refused("PATCH", path, patch_body(drop))["status"] == "403"
    body = {"schemas": [USER, ACCESS], "userName": "eve", ACCESS: {"accountRole": "master_admin"}}
    assert scim.refused("POST", "/Users", body)["status"] == "403"
    assert scim.found("/Users", 'userName eq "eve"') == []


def test_an_unknown_account_role_is_refused(app, account):
    client = new_client(app, account, "users", "grants", "admins")
    body = {"schemas": [USER], "userName": "ada", ACCESS: {"accountRole": "emperor"}}
    error = client.refused("POST", "/Users", body)
    assert (error["status"], error["scimType"]) == ("400", "invalidValue")
    assert "There are:" in error["detail"]


def test_a_role_given_by_hand_is_not_shown_as_the_providers(scim, account):
    ada = a_master_admin(account, "ada")
    user = scim.get(f"/Users/{ada}")
    assert ACCESS not in user
    scim.put(f"/Users/{ada}", userName="ada", title="Countess")
    assert len(rows(Grant)) == 1


# -- Effective folders --------------------------------------------------------


def test_effective_folders_are_told_on_request(scim, account, brand):
    ada = scim.create("/Users", userName="ada", roles=[{"value": "Designer"}])["id"]
    below = a_folder(account, "2026", parent=brand)
    a_grant(account, a_group(account, members=[ada]), "viewer", below)
    assert ACCESS not in scim.get(f"/Users/{ada}")
    asked = scim.get(f"/Users/{ada}", attributes=f"{ACCESS}:folders")
    told = {(each["display"], each["type"]) for each in asked[ACCESS]["folders"]}
    assert told == {("/Brand", "editor"), ("/Brand/2026", "editor"), ("/Brand/2026", "viewer")}
    assert asked["schemas"] == [USER, ACCESS]
    path = {"op": "add", "path": f"{ACCESS}:folders", "value": [{"value": below}]}
    error = scim.refused("PATCH", f"/Users/{ada}", patch_body(path))
    assert error["scimType"] == "mutability"
    query = {"attributes": f"userName,{ACCESS}:folders"}
    assert "one user" in scim.refused("GET", "/Users", query=query)["detail"]
    query = {"filter": f'{ACCESS}:folders.value eq "{below}"'}
    assert scim.refused("GET", "/Users", query=query)["status"] == "400"


# -- Schemas ------------------------------------------------------------------


def test_resources_are_found_by_their_schemas(scim):
    scim.create("/Users", userName="ada", **{ENTERPRISE: {"department": "Engines"}})
    scim.create("/Users", userName="bob")
    assert scim.found("/Users", f'schemas eq "{ENTERPRISE}"') == ["ada"]
    assert scim.found("/Users", f'schemas eq "{USER}"') == ["ada", "bob"]
    assert scim.found("/Users", 'not (schemas co "enterprise")') == ["bob"]
    assert scim.found("/Users", f'schemas ne "{ENTERPRISE}"') == ["bob"]
