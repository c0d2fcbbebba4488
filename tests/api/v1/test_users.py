"""``/api/v1/users``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.store.database import db
from app.store.models import User
from app.store.types import now
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_grant, a_group, a_mapping, a_master_admin, a_user, an_account


def names(found) -> list[str]:
    return [each["user_name"] for each in found]


def signed_in_at(account, user, at) -> None:
    with write(account):
        where = (User.account_id == account) & (User.id == user)
        db.session.execute(update(User).where(where).values(last_sign_in_at=at))


def test_a_user_is_made_read_changed_and_deleted(api):
    made = api.post("/users", {"user_name": "ada@example.com", "email": "ada@example.com"})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    user = api.get(path)
    assert user.json == made.json and user.json["status"] == "pending"
    changed = api.patch(path, {"active": False}, If_Match=user.headers["ETag"])
    assert changed.json["status"] == "disabled" and changed.headers["ETag"] == '"2"'
    assert changed.json["emails"] == [{"value": "ada@example.com", "type": "work", "primary": True}]
    assert api.delete(path, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"2"').status_code == 204
    assert api.get(path).status_code == 404


def test_a_post_with_a_key_is_done_once(api):
    first = api.post("/users", {"user_name": "ada"}, Idempotency_Key="k")
    again = api.post("/users", {"user_name": "ada"}, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert api.post("/users", {"user_name": "bob"}, Idempotency_Key="k").status_code == 422
    assert api.post("/users", {"user_name": "ada"}).status_code == 409


def test_filters_administrators_know(api, account):
    ada, bob, _ = (a_user(account, name) for name in ("ada", "bob", "cyd"))
    signed_in_at(account, ada, now() - timedelta(days=40))
    signed_in_at(account, bob, now())
    api.patch(f"/users/{bob}", {"active": False})
    month = (now() - timedelta(days=30)).isoformat().replace("+", "%2B")
    assert names(api.all("/users")) == ["ada", "bob", "cyd"]
    assert names(api.all("/users?pending=true")) == ["cyd"]
    assert names(api.all("/users?enabled=false")) == ["bob"]
    assert names(api.all("/users?prefix=B")) == ["bob"]
    assert names(api.all(f"/users?last_login_from={month}")) == ["bob"]
    assert names(api.all(f"/users?last_login_from={month}&last_login=out")) == ["ada", "cyd"]
    assert names(api.all("/users?sort=-last_login_at")) == ["bob", "ada", "cyd"]
    assert names(api.all("/users?sort=last_login_at")) == ["ada", "bob", "cyd"]
    assert names(api.all("/users?sort=-created_at")) == ["cyd", "bob", "ada"]


def test_by_role_and_group_through_groups(api, account):
    ada, _bob = a_user(account, "ada"), a_user(account, "bob")
    inner = a_group(account, members=[ada])
    outer = a_group(account, members=[inner])
    a_grant(account, outer, "reports")
    assert names(api.all(f"/users?group={outer}")) == ["ada"]
    assert names(api.all("/users?role=reports")) == ["ada"]
    assert names(api.all("/users?role=admin")) == []


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_json_that_is_not_called_so_is_refused(api, account, method, kind):
    path = "/users" if method == "POST" else f"/users/{a_user(account)}"
    headers = {"Authorization": f"Bearer {api.token}"} | ({"Content-Type": kind} if kind else {})
    answer = api.client.open(
        f"/api/v1{path}", method=method, data='{"user_name": "ada@example.com"}', headers=headers
    )
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")
    assert "Content-Type: application/json" in answer.json["detail"]


def test_what_is_misspelled_is_refused(api):
    assert api.get("/users?pendign=true").status_code == 422
    wrong = api.post("/users", {"user_name": "ada", "activ": False})
    assert (wrong.status_code, wrong.json["errors"]) == (
        422,
        {"json": {"activ": ["Unknown field."]}},
    )
    assert api.get("/users?cursor=bm9uZQ").status_code == 422


def test_who_may(app, account):
    assert Api(app, None).get("/users").status_code == 401
    refused = Api(app, "gh_none").get("/users")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (
        401,
        "Bearer realm=Gatehouse",
    )
    reader = Api(app, an_api_token(account, {"user.view"}))
    assert reader.get("/users").status_code == 200
    assert reader.post("/users", {"user_name": "ada"}).status_code == 403


def test_another_accounts_user_does_not_exist(api):
    stranger = a_user(an_account(), "stranger")
    for method, json in (("GET", None), ("PATCH", {"active": False}), ("DELETE", None)):
        assert api.call(method, f"/users/{stranger}", json).status_code == 404


@pytest.mark.parametrize("change", [{"email": "mine@example.com"}, {"active": False}])
def test_nobody_takes_over_who_may_do_more(app, account, change):
    admin = a_master_admin(account)
    a_master_admin(account)
    helpdesk = Api(app, an_api_token(account, {"user.view", "user.manage"}))
    assert helpdesk.patch(f"/users/{admin}", change).status_code == 403
    assert helpdesk.delete(f"/users/{admin}").status_code == 403
    assert helpdesk.patch(f"/users/{a_user(account)}", change).status_code == 200


def test_the_last_master_admin_stays(api, account):
    admin = a_master_admin(account)
    assert api.delete(f"/users/{admin}").status_code == 409


def test_a_mapping_makes_nobody_more_than_the_caller(app, account):
    a_mapping(account, "admins", "master_admin", match_by="display_name")
    caller = Api(app, an_api_token(account, {"user.manage", "group.manage", "user.view"}))
    assert caller.post("/users", {"user_name": "ada"}).status_code == 201
