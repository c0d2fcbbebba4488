"""``/api/v1/trash``."""

from __future__ import annotations

from tests.api.v1.client import Api, an_api_token
from tests.factories import a_folder, a_grant, a_group, a_user


def test_what_is_deleted_is_listed_and_brought_back(api, account):
    ada, folder = a_user(account, "ada"), a_folder(account, "Brand")
    group = a_group(account, "Designers", members=[ada])
    a_grant(account, ada, "editor", folder)
    assert api.delete(f"/users/{ada}").status_code == 204
    (shown,) = api.all("/trash?type=user")
    assert (shown["id"], shown["name"], shown["deleted_by"]) == (ada, "ada", "tests")
    assert shown["forget_at"]
    restored = api.post(f"/trash/{ada}/restore")
    assert restored.json == {"id": ada, "type": "user", "name": "ada", "left_out": []}
    assert api.get(f"/users/{ada}").json["user_name"] == "ada"
    assert [each["id"] for each in api.all(f"/users?group={group}")] == [ada]
    people = api.get(f"/folders/{folder}/access").json["people"]
    assert [each["user_id"] for each in people] == [ada]
    assert api.post(f"/trash/{ada}/restore").status_code == 404


def test_a_name_that_is_taken_meanwhile(api, account):
    ada = a_user(account, "ada")
    api.delete(f"/users/{ada}")
    a_user(account, "Ada")
    assert api.post(f"/trash/{ada}/restore").status_code == 409
    assert len(api.all("/trash?type=user")) == 1


def test_each_kind_needs_its_permission(app, api, account):
    folder = a_folder(account)
    api.delete(f"/folders/{folder}")
    people = Api(app, an_api_token(account, {"user.manage"}))
    assert people.get("/trash?type=user").status_code == 200
    assert people.get("/trash?type=folder").status_code == 403
    assert people.post(f"/trash/{folder}/restore").status_code == 403
    assert people.post("/trash/none/restore").status_code == 404
    nobody = Api(app, an_api_token(account, {"audit.view"}))
    assert nobody.post("/trash/none/restore").status_code == 403


def test_nobody_brings_back_more_than_they_hold(app, api, account):
    boss = a_user(account, "boss")
    a_grant(account, boss, "master_admin")
    a_grant(account, a_user(account), "master_admin")
    api.delete(f"/users/{boss}")
    helpdesk = Api(app, an_api_token(account, {"user.manage"}))
    assert helpdesk.post(f"/trash/{boss}/restore").status_code == 403
    assert api.post(f"/trash/{boss}/restore").status_code == 200
