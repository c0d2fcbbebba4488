"""``/api/v1/past``: who could reach what."""

from __future__ import annotations

from datetime import timedelta

from app.store.types import now
from tests.api.v1.client import Api, an_api_token
from tests.factories import a_folder, a_grant, a_group, a_user, an_account


def moment() -> str:
    return now().isoformat().replace("+", "%2B")


def test_what_was_is_told_of_what_is_gone(api, account):
    ada, bob = a_user(account, "ada"), a_user(account, "bob")
    brand = a_folder(account, "Brand")
    a_grant(account, a_group(account, "Designers", members=[ada, bob]), "editor", brand)
    a_grant(account, ada, "reports")
    then = moment()
    api.patch(f"/folders/{brand}", {"name": "Marke"})
    api.delete(f"/users/{ada}")
    api.delete(f"/folders/{brand}")
    access = api.get(f"/past/users/{ada}/access?at={then}").json
    assert [each["path"] for each in access["folders"]] == ["/Brand"]
    assert [each["role"]["id"] for each in access["account_roles"]] == ["reports"]
    first = api.get(f"/past/folders/{brand}/access?at={then}&limit=1").json
    assert (first["path"], first["people"][0]["user_name"]) == ("/Brand", "ada")
    assert first["people"][0]["because"][0]["through"] == ["Designers"]
    second = api.get(f"/past/folders/{brand}/access?at={then}&cursor={first['next']}").json
    assert [each["user_name"] for each in second["people"]] == ["bob"]
    assert second["next"] is None
    people = api.get(f"/past/account/access?action=audit.view&at={then}").json["people"]
    assert [each["user_name"] for each in people] == ["ada"]


def test_what_was_not_there_is_not_found(app, api, account):
    early = (now() - timedelta(days=365)).isoformat().replace("+", "%2B")
    ahead = (now() + timedelta(days=1)).isoformat().replace("+", "%2B")
    ada = a_user(account, "ada")
    for at in (early, ahead):
        assert api.get(f"/past/users/{ada}/access?at={at}").status_code == 404
    stranger = a_user(an_account(), "stranger")
    assert api.get(f"/past/users/{stranger}/access?at={moment()}").status_code == 404
    assert api.get(f"/past/users/{ada}/access").status_code == 422
    reader = Api(app, an_api_token(account, {"user.view"}))
    assert reader.get(f"/past/users/{ada}/access?at={moment()}").status_code == 403
