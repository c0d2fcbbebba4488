"""``/api/v1/folders``, as administrators and as people who share some folders call it."""

from __future__ import annotations

import pytest

from app.directory import folders
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.factories import a_folder, a_grant, a_group, a_user, an_account


@pytest.fixture
def person(app, account):
    """Ada, and the API as she calls it, signed in."""
    ada = a_user(account, "ada")
    return ada, signed_in(app, account, ada)


def names(page) -> list[str]:
    return [each["name"] for each in page]


def test_a_folder_is_made_renamed_moved_and_deleted(api):
    brand = api.post("/folders", {"name": "Brand"}).json
    inner = api.post("/folders", {"name": "2026", "parent_id": brand["id"]}).json
    assert inner["path"] == "/Brand/2026"
    press = api.post("/folders", {"name": "Press"}).json
    path = f"/folders/{inner['id']}"
    moved = api.patch(path, {"parent_id": press["id"], "name": "2027"}, If_Match='"1"')
    assert moved.json["path"] == "/Press/2027" and moved.json["version"] == 2
    assert api.patch(path, {"name": "2028"}, If_Match='"1"').status_code == 412
    assert api.delete(f"/folders/{press['id']}").status_code == 409
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_the_tree_opens_branch_by_branch(api, account):
    brand = a_folder(account, "Brand")
    for name in ("c", "a", "b"):
        a_folder(account, name, parent=brand)
    root = folders.root_of(account)
    assert names(api.all(f"/folders?parent={root}")) == ["Brand"]
    assert names(api.all(f"/folders?parent={brand}")) == ["a", "b", "c"]
    assert names(api.all("/folders?prefix=B")) == ["b", "Brand"]


def test_a_dry_run_of_a_move_tells_who_gains_and_loses(api, account):
    ada, bob = a_user(account, "ada"), a_user(account, "bob")
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    inner = a_folder(account, "2026", parent=brand)
    a_grant(account, a_group(account, members=[ada]), "viewer", brand)
    a_grant(account, bob, "editor", press)
    path = f"/folders/{inner}"
    seen = api.patch(path, {"parent_id": press}, Prefer="dry-run")
    assert seen.headers["Preference-Applied"] == "dry-run"
    assert seen.json["status"] == 200 and seen.json["answer"]["path"] == "/Press/2026"
    changes = {each["user"]["name"]: each for each in seen.json["access"]}
    assert changes["ada"]["lost_folders"][0]["path"] == "/Brand/2026"
    assert changes["bob"]["gained_folders"][0]["roles"] == ["editor"]
    assert [each["action"] for each in seen.json["changes"]] == ["folder.updated"]
    assert api.get(path).json["path"] == "/Brand/2026"


def test_what_is_not_shared_does_not_exist(account, person):
    ada, her = person
    brand, secret = a_folder(account, "Brand"), a_folder(account, "Secret")
    board = a_folder(account, "Board", parent=brand, restricted=True)
    a_folder(account, "2026", parent=brand)
    a_grant(account, ada, "viewer", brand)
    assert her.get(f"/folders/{brand}").status_code == 200
    assert names(her.get(f"/folders?parent={brand}").json["items"]) == ["2026"]
    for path in (f"/folders/{secret}", f"/folders/{board}", f"/folders?parent={secret}"):
        assert her.get(path).status_code == 404
    assert her.get("/folders").status_code == 404
    assert her.get("/folders?prefix=s").status_code == 404
    assert her.patch(f"/folders/{secret}", {"name": "Mine"}).status_code == 404
    assert her.patch(f"/folders/{brand}", {"name": "Mine"}).status_code == 403
    assert her.delete(f"/folders/{brand}").status_code == 403
    assert her.post("/folders", {"name": "x", "parent_id": brand}).status_code == 403


def test_a_manager_does_all_of_it_where_they_manage(account, person):
    ada, her = person
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    a_grant(account, ada, "manager", brand)
    a_grant(account, ada, "viewer", press)
    made = her.post("/folders", {"name": "2026", "parent_id": brand, "restricted": True})
    assert made.status_code == 201
    # A restricted folder keeps out what is above it, but for her who made it so.
    assert her.get(f"/folders/{made.json['id']}").status_code == 200
    inner = a_folder(account, "2027", parent=brand)
    assert her.patch(f"/folders/{inner}", {"name": "2028"}).status_code == 200
    assert her.patch(f"/folders/{inner}", {"parent_id": press}).status_code == 403
    assert her.delete(f"/folders/{inner}").status_code == 204


def test_a_write_with_a_cookie_alone_is_refused(app, account, person):
    _, her = person
    her.csrf = None
    assert her.post("/folders", {"name": "x"}).status_code == 400


def test_another_accounts_folder_does_not_exist(api):
    theirs = an_account()
    folder = a_folder(theirs, "Theirs")
    for method, json in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert api.call(method, f"/folders/{folder}", json).status_code == 404
    assert api.get(f"/folders?parent={folder}").json["items"] == []
    assert api.post("/folders", {"name": "x", "parent_id": folder}).status_code == 404


def test_a_token_without_the_permission_may_not(app, account):
    reader = Api(app, an_api_token(account, {"folder.view"}))
    assert reader.get("/folders").status_code == 200
    assert reader.post("/folders", {"name": "x"}).status_code == 403
