"""``/api/v1/roles`` and ``/api/v1/permissions``."""

from __future__ import annotations

from app.access.permissions import ACCOUNT_ROLES, ACTIONS, BUILT_IN, FOLDER_ROLES
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_mapping,
    a_user,
    an_account,
)
from tests.inspection import statements

NEW = {"scope": "folder", "name": "Reviewer", "permissions": ["folder.view", "asset.view"]}


def names(found) -> list[str]:
    return [each["name"] for each in found]


def test_a_role_is_made_read_changed_and_deleted(api):
    made = api.post("/roles", NEW | {"description": "Looks only."})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    role = api.get(path)
    assert role.json == made.json
    assert role.json["permissions"] == ["asset.view", "folder.view"]
    assert (role.json["built_in"], role.json["updated_at"]) == (False, None)
    changed = api.patch(path, {"permissions": ["folder.view"]}, If_Match=role.headers["ETag"])
    assert (changed.json["name"], changed.json["permissions"]) == ("Reviewer", ["folder.view"])
    assert changed.json["description"] == "Looks only."
    assert changed.headers["ETag"] == '"2"'
    assert api.patch(path, {"name": "x"}, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"2"').status_code == 204
    assert api.get(path).status_code == 404


def test_a_post_with_a_key_is_done_once(api):
    first = api.post("/roles", NEW, Idempotency_Key="k")
    again = api.post("/roles", NEW, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert api.post("/roles", NEW).status_code == 409


def test_built_in_roles_and_the_accounts_own_in_pages(api, account):
    a_custom_role(account, "folder", {"folder.view"}, name="A reviewer")
    folder_roles = ["A reviewer", *sorted(FOLDER_ROLES)]
    assert names(api.all("/roles?scope=folder")) == folder_roles
    found = api.all("/roles", limit=5)
    assert names(found) == sorted([*folder_roles, *ACCOUNT_ROLES])
    built_in = {each["id"]: each for each in found if each["built_in"]}
    for scope, roles in BUILT_IN.items():
        for name, permissions in roles.items():
            assert built_in[name]["scope"] == scope
            assert built_in[name]["permissions"] == sorted(permissions)


def test_a_longer_page_takes_no_more_statements(api):
    api.get("/roles")  # the first use of a token is noted
    counts = []
    for limit in (1, 11):
        with statements() as seen:
            assert len(api.get(f"/roles?limit={limit}").json["items"]) == limit
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_what_no_role_can_be(api, account):
    assert api.post("/roles", NEW | {"permissions": ["user.view"]}).status_code == 422
    assert api.post("/roles", NEW | {"permissions": ["everything"]}).status_code == 422
    assert api.post("/roles", NEW | {"scope": "group"}).status_code == 422
    assert api.post("/roles", NEW | {"name": "VIEWER"}).status_code == 409
    assert api.patch("/roles/viewer", {"name": "x"}).status_code == 403
    assert api.delete("/roles/viewer").status_code == 403
    held = a_custom_role(account, "folder", {"folder.view"})
    a_grant(account, a_user(account), held, a_folder(account))
    mapped = a_custom_role(account, "account", {"user.view"})
    a_mapping(account, "Designers", mapped)
    assert api.delete(f"/roles/{held}").status_code == 409
    assert api.delete(f"/roles/{mapped}").status_code == 409


def test_another_accounts_role_does_not_exist(api):
    theirs = a_custom_role(an_account(), "folder", {"folder.view"}, name="Theirs")
    for method, json in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert api.call(method, f"/roles/{theirs}", json).status_code == 404
    assert "Theirs" not in names(api.all("/roles", limit=50))


def test_who_may(app, account):
    role = a_custom_role(account, "folder", {"folder.view"})
    reader = Api(app, an_api_token(account, {"user.view"}))
    assert reader.get(f"/roles/{role}").status_code == 200
    assert reader.post("/roles", NEW).status_code == 403
    assert reader.patch(f"/roles/{role}", {"name": "x"}).status_code == 403
    assert reader.delete(f"/roles/{role}").status_code == 403
    assert Api(app, an_api_token(account, {"role.manage"})).get("/roles").status_code == 403


def test_no_role_permits_more_than_who_makes_it_may_do(app, account):
    maker = Api(app, an_api_token(account, {"user.view", "role.manage", "folder.view"}))
    own = NEW | {"permissions": ["folder.view"]}
    made = maker.post("/roles", own)
    assert made.status_code == 201
    path = f"/roles/{made.json['id']}"
    assert maker.post("/roles", NEW).status_code == 403
    assert maker.patch(path, {"permissions": NEW["permissions"]}).status_code == 403
    more = a_custom_role(account, "folder", {"asset.delete"})
    assert maker.patch(f"/roles/{more}", {"permissions": []}).status_code == 403
    assert maker.delete(f"/roles/{more}").status_code == 403


def test_a_role_can_require_a_second_factor(app, account, api):
    seen = api.get("/roles/viewer")
    assert seen.json["requires_second_factor"] is False
    required = {"requires_second_factor": True}
    changed = api.patch("/roles/viewer", required, If_Match=seen.headers["ETag"])
    assert changed.json["requires_second_factor"] is True
    assert api.patch("/roles/viewer", required, If_Match=seen.headers["ETag"]).status_code == 412
    own = a_custom_role(account, "folder", {"folder.view"})
    both = api.patch(f"/roles/{own}", required | {"name": "Careful"}, If_Match='"1"')
    assert (both.json["name"], both.json["requires_second_factor"]) == ("Careful", True)


def test_nobody_takes_the_second_factor_from_who_may_do_more(app, account, api):
    api.patch("/roles/admin", {"requires_second_factor": True})
    maker = Api(app, an_api_token(account, {"role.manage"}))
    assert maker.patch("/roles/admin", {"requires_second_factor": False}).status_code == 403
    assert api.get("/roles/admin").json["requires_second_factor"] is True


def test_the_matrix_is_published_to_whoever_may_ask(app, account):
    assert Api(app, None).get("/permissions").status_code == 401
    found = signed_in(app, account, a_user(account)).get("/permissions").json["items"]
    assert {each["action"] for each in found} == ACTIONS
    by_action = {each["action"]: each for each in found}
    assert by_action["folder.share"]["folder_roles"] == ["manager"]
    assert by_action["billing.view"]["account_roles"] == ["master_admin", "billing"]
    assert by_action["billing.view"]["folder_roles"] == []
    assert all(each["description"] for each in found)
