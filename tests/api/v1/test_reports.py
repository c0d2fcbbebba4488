"""Reports of who can reach what."""

from __future__ import annotations

from tests.api.v1.client import Api, an_api_token, signed_in
from tests.factories import a_folder, a_grant, a_group, a_user


def test_of_a_user(api, account):
    ada = a_user(account, "ada")
    a_grant(account, a_group(account, "Designers", members=[ada]), "reports")
    shared = [a_folder(account, name) for name in ("Brand", "Press", "Art")]
    for folder in shared:
        a_grant(account, ada, "viewer", folder)
    first = api.get(f"/users/{ada}/access?limit=2").json
    assert [each["path"] for each in first["folders"]] == ["/Brand", "/Press"]
    assert [(each["role"]["id"], each["group"]["name"]) for each in first["account_roles"]] == [
        ("reports", "Designers")
    ]
    second = api.get(f"/users/{ada}/access?limit=2&cursor={first['next']}").json
    assert [each["path"] for each in second["folders"]] == ["/Art"]
    assert second["next"] is None


def test_of_a_folder_and_of_the_account(api, account):
    people = [a_user(account, name) for name in ("ada", "bob", "cyd")]
    brand = a_folder(account, "Brand")
    a_grant(account, a_group(account, "Designers", members=people[:2]), "editor", brand)
    a_grant(account, people[2], "admin")
    first = api.get(f"/folders/{brand}/access?limit=2").json
    assert [each["user_name"] for each in first["people"]] == ["ada", "bob"]
    assert first["people"][0]["because"][0]["group"]["name"] == "Designers"
    second = api.get(f"/folders/{brand}/access?limit=2&cursor={first['next']}").json
    assert [each["user_name"] for each in second["people"]] == ["cyd"]
    managers = api.get(f"/folders/{brand}/access?action=folder.share").json
    assert [each["user_name"] for each in managers["people"]] == ["cyd"]
    admins = api.get("/account/access?action=user.manage").json
    assert [each["user_name"] for each in admins["people"]] == ["cyd"]


def test_one_sees_ones_own(app, account):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    a_grant(account, ada, "viewer", brand)
    her = signed_in(app, account, ada)
    assert her.get("/me/access").json["folders"][0]["path"] == "/Brand"
    assert her.get(f"/users/{ada}/access").status_code == 403
    assert her.get(f"/folders/{brand}/access").status_code == 403
    a_grant(account, ada, "manager", brand)
    assert her.get(f"/folders/{brand}/access").json["people"][0]["user_name"] == "ada"
    assert Api(app, an_api_token(account)).get("/me/access").status_code == 404


def test_why_and_why_not(api, account):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    board = a_folder(account, "Board", parent=brand, restricted=True)
    inner = a_group(account, "Designers", members=[ada])
    a_grant(account, a_group(account, "Creative", members=[inner]), "editor", brand)
    yes = api.get(f"/users/{ada}/explanation?action=asset.edit&folder_id={brand}").json
    assert yes["allowed"] and yes["because"][0]["through"] == ["Designers", "Creative"]
    assert "because ada is in Designers in Creative" in yes["sentences"][0]
    no = api.get(f"/users/{ada}/explanation?action=asset.edit&folder_id={board}").json
    assert not no["allowed"] and no["missing"][0]["kind"] == "cut_off"
    assert no["missing"][0]["grant"]["folder"] == {"id": brand, "path": "/Brand"}
    assert api.get(f"/users/{ada}/explanation?action=asset.edit&folder_id=no").status_code == 404
    assert api.get(f"/users/{ada}/explanation?action=asset.eat").status_code == 422
