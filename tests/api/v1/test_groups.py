"""``/api/v1/groups``, and who is in them."""

from __future__ import annotations

import pytest

from app.store.models import Group
from tests.api.v1.client import Api, an_api_token
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_large_group,
    a_mapping,
    a_master_admin,
    a_user,
    an_account,
)
from tests.inspection import row, statements


def names(found) -> list[str]:
    return [each["display_name"] for each in found]


def member_ids(api, group) -> set[str]:
    return {each["id"] for each in api.all(f"/groups/{group}/members")}


def test_a_group_is_made_read_changed_and_deleted(api):
    made = api.post("/groups", {"display_name": "Designers", "external_id": "d-1"})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    group = api.get(path)
    assert group.json == made.json
    assert (group.json["users"], group.json["groups"], group.json["origin"]) == (0, 0, "manual")
    changed = api.patch(path, {"display_name": "Design"}, If_Match=group.headers["ETag"])
    assert (changed.json["display_name"], changed.json["external_id"]) == ("Design", "d-1")
    assert changed.headers["ETag"] == '"2"'
    assert api.patch(path, {"display_name": "x"}, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"2"').status_code == 204
    assert api.get(path).status_code == 404


def test_what_a_provider_said_of_a_group_stays(api, account):
    group = a_group(account, "Designers", attributes={"note": "theirs"})
    api.patch(f"/groups/{group}", {"display_name": "Design"})
    assert row(Group, account_id=account, id=group).attributes == {"note": "theirs"}


def test_a_post_with_a_key_is_done_once(api):
    first = api.post("/groups", {"display_name": "Designers"}, Idempotency_Key="k")
    again = api.post("/groups", {"display_name": "Designers"}, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert len(api.all("/groups")) == 1


def test_groups_by_what_administrators_look_for(api, account):
    ada = a_user(account, "ada")
    inner = a_group(account, "b inner", members=[ada])
    a_group(account, "C outer", members=[inner], external_id="c-1")
    a_group(account, "a other")
    assert names(api.all("/groups", limit=1)) == ["a other", "b inner", "C outer"]
    assert names(api.all("/groups?sort=-display_name")) == ["C outer", "b inner", "a other"]
    assert names(api.all("/groups?sort=created_at")) == ["b inner", "C outer", "a other"]
    assert names(api.all("/groups?prefix=c")) == ["C outer"]
    assert names(api.all(f"/groups?user={ada}")) == ["b inner", "C outer"]
    assert names(api.all("/groups?external_id=c-1")) == ["C outer"]
    assert names(api.all("/groups?origin=scim")) == []
    assert api.get("/groups?sort=version").status_code == 422


def test_users_and_groups_are_put_in_and_taken_out(api, account):
    ada, bob = a_user(account, "ada"), a_user(account, "bob")
    inner, group = a_group(account, "Inner"), a_group(account, "Outer")
    path = f"/groups/{group}/members"
    added = api.post(path, {"members": [ada, inner, ada]})
    assert (added.status_code, added.json) == (200, {"added": 2})
    assert api.post(path, {"members": [ada, bob]}).json == {"added": 1}
    assert api.put(f"{path}/{bob}").status_code == 204
    shown = api.get(f"/groups/{group}").json
    assert (shown["users"], shown["groups"]) == (2, 1)
    found = {(each["type"], each["name"]) for each in api.all(path)}
    assert found == {("user", "ada"), ("user", "bob"), ("group", "Inner")}
    assert api.delete(f"{path}/{bob}").status_code == 204
    assert api.delete(f"{path}/{bob}").status_code == 404
    assert api.put(f"{path}/{bob}").status_code == 204
    assert member_ids(api, group) == {ada, bob, inner}
    assert api.delete(f"{path}/{inner}", If_Match='"1"').status_code == 412
    assert api.post(path, {"members": [ada]}, If_Match='"1"').status_code == 412


def test_who_cannot_be_in_a_group(api, account):
    group = a_group(account)
    path = f"/groups/{group}/members"
    assert api.post(path, {"members": [group]}).status_code == 422
    assert api.put(f"{path}/{group}").status_code == 422
    assert api.post(path, {"members": ["nobody"]}).status_code == 422
    assert api.put(f"{path}/nobody").status_code == 404
    assert api.post(path, {"members": ["x"] * 1001}).status_code == 422
    assert api.post(path, {"members": []}).status_code == 422
    assert member_ids(api, group) == set()


def test_members_come_page_by_page_however_many(api, account):
    group = a_large_group(account, 12)
    api.post(f"/groups/{group}/members", {"members": [a_group(account)]})
    found = api.all(f"/groups/{group}/members", limit=5)
    assert len({each["id"] for each in found}) == len(found) == 13


@pytest.mark.parametrize("path", ["/groups", "/groups/{}/members"])
def test_a_longer_page_takes_no_more_statements(api, account, path):
    group = a_large_group(account, 6)
    api.post(f"/groups/{group}/members", {"members": [a_group(account) for _ in range(6)]})
    counts = []
    for limit in (2, 12):
        with statements() as seen:
            assert len(api.get(f"{path.format(group)}?limit={limit}").json["items"]) in (2, 7, 12)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_another_accounts_group_does_not_exist(api, account):
    theirs = an_account()
    stranger = a_user(theirs, "stranger")
    group, own = a_group(theirs, "Theirs", members=[stranger]), a_group(account, "Ours")
    for method, path, json in (
        ("GET", f"/groups/{group}", None),
        ("PATCH", f"/groups/{group}", {"display_name": "Mine"}),
        ("DELETE", f"/groups/{group}", None),
        ("GET", f"/groups/{group}/members", None),
        ("POST", f"/groups/{group}/members", {"members": [a_user(account)]}),
        ("PUT", f"/groups/{group}/members/{a_user(account)}", None),
        ("DELETE", f"/groups/{group}/members/{stranger}", None),
        ("PUT", f"/groups/{own}/members/{stranger}", None),
        ("PUT", f"/groups/{own}/members/{group}", None),
        ("DELETE", f"/groups/{own}/members/{stranger}", None),
    ):
        assert api.call(method, path, json).status_code == 404, (method, path)
    unknown = api.post(f"/groups/{own}/members", {"members": ["nobody"]})
    strange = api.post(f"/groups/{own}/members", {"members": [stranger]})
    assert (unknown.status_code, strange.status_code) == (422, 422)
    assert api.get(f"/groups?user={stranger}").json["items"] == []
    assert member_ids(api, own) == set()


def test_who_may(app, account):
    group = a_group(account)
    reader = Api(app, an_api_token(account, {"group.view"}))
    assert reader.get(f"/groups/{group}/members").status_code == 200
    for method, path, json in (
        ("POST", "/groups", {"display_name": "x"}),
        ("PATCH", f"/groups/{group}", {"display_name": "x"}),
        ("DELETE", f"/groups/{group}", None),
        ("POST", f"/groups/{group}/members", {"members": [group]}),
        ("PUT", f"/groups/{group}/members/x", None),
        ("DELETE", f"/groups/{group}/members/x", None),
    ):
        assert reader.call(method, path, json).status_code == 403
    stranger = Api(app, an_api_token(account, {"user.view"}))
    assert stranger.get("/groups").status_code == 403
    assert stranger.get(f"/groups/{group}/members").status_code == 403


def test_nobody_makes_admins_by_way_of_a_group(app, account):
    """A token that manages groups, and nothing else, is not a way to a role."""
    helpdesk = Api(app, an_api_token(account, {"group.view", "group.manage"}))
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    admins, sharers, plain = a_group(account), a_group(account), a_group(account)
    inner = a_group(account)
    helpdesk.put(f"/groups/{admins}/members/{inner}")
    a_grant(account, admins, "admin")
    a_grant(account, sharers, "manager", brand)
    for group in (admins, inner, sharers):
        path = f"/groups/{group}/members"
        assert helpdesk.post(path, {"members": [ada]}).status_code == 403
        assert helpdesk.put(f"{path}/{ada}").status_code == 403
    assert helpdesk.delete(f"/groups/{admins}/members/{inner}").status_code == 403
    assert helpdesk.delete(f"/groups/{admins}").status_code == 403
    assert helpdesk.put(f"/groups/{plain}/members/{ada}").status_code == 204


def test_no_name_makes_a_group_more_than_the_caller_is(app, account):
    a_mapping(account, "Admins", "admin")
    helpdesk = Api(app, an_api_token(account, {"group.view", "group.manage"}))
    group = a_group(account, "Harmless", members=[a_user(account)])
    assert helpdesk.patch(f"/groups/{group}", {"display_name": "admins"}).status_code == 403
    assert helpdesk.get(f"/groups/{group}").json["display_name"] == "Harmless"


def test_the_last_master_admin_stays(api, account):
    admin = a_master_admin(account, "root")
    group = a_group(account, members=[admin])
    a_grant(account, group, "master_admin")
    grant = api.get(f"/grants?user={admin}").json["items"][0]
    assert api.delete(f"/grants/{grant['id']}").status_code == 204
    assert api.delete(f"/groups/{group}/members/{admin}").status_code == 409
    assert api.delete(f"/groups/{group}").status_code == 409
    assert member_ids(api, group) == {admin}


def test_a_dry_run_tells_who_would_gain_what(api, account):
    ada, group = a_user(account, "ada"), a_group(account)
    a_grant(account, group, "viewer", a_folder(account, "Brand"))
    path = f"/groups/{group}/members"
    seen = api.post(path, {"members": [ada]}, Prefer="dry-run").json
    assert (seen["status"], seen["answer"]) == (200, {"added": 1})
    assert seen["access"][0]["gained_folders"][0]["path"] == "/Brand"
    assert member_ids(api, group) == set()
