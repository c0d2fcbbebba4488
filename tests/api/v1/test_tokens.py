"""``/api/v1/tokens``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.access.permissions import ACTIONS
from app.store.models import IdempotencyKey, Token
from app.store.types import now
from tests.api.v1.client import Api, an_api_token
from tests.factories import a_connection, a_token, an_account
from tests.inspection import audit, rows

READER = {"surface": "api", "name": "reader", "scopes": ["user.view"]}


def a_day_from(days: int) -> str:
    return (now() + timedelta(days=days)).isoformat()


def names(found) -> list[str]:
    return [each["name"] for each in found]


def test_a_token_of_the_api_is_made_used_and_ended(app, account, api):
    ends = a_day_from(7)
    made = api.post("/tokens", READER | {"networks": ["127.0.0.0/8"], "expires_at": ends})
    assert made.status_code == 201
    secret = made.json["token"]
    shown = api.get(made.headers["Location"].removeprefix("/api/v1")).json
    assert shown == {name: value for name, value in made.json.items() if name != "token"}
    assert (shown["scopes"], shown["networks"]) == (["user.view"], ["127.0.0.0/8"])
    reader = Api(app, secret)
    assert reader.get("/users").status_code == 200
    assert reader.get("/tokens").status_code == 403
    assert api.delete(f"/tokens/{shown['id']}").status_code == 204
    assert reader.get("/users").status_code == 401
    assert api.get(f"/tokens/{shown['id']}").status_code == 404
    created, revoked = audit(account, "token.created", "token.revoked")[-2:]
    assert created.target_id == revoked.target_id == shown["id"]
    assert (created.surface, created.actor_type) == ("api", "token")


def test_a_token_for_scim_belongs_to_a_connection(app, account, api):
    okta = a_connection(account, name="Okta")
    body = {"surface": "scim", "name": "okta", "scopes": ["users"], "connection_id": okta}
    made = api.post("/tokens", body).json
    assert (made["connection_id"], made["connection"]) == (okta, "Okta")
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert app.test_client().get("/scim/v2/Users", headers=headers).status_code == 200
    assert names(api.all("/tokens?surface=scim")) == ["okta"]
    assert names(api.all("/tokens?surface=api")) == ["tests"]


def test_both_work_until_the_overlap_ends(app, api):
    first = api.post("/tokens", READER).json
    second = api.post(f"/tokens/{first['id']}/rotate", {"overlap_hours": 1}).json
    assert second["scopes"] == first["scopes"] and second["id"] != first["id"]
    for each in (first, second):
        assert Api(app, each["token"]).get("/users").status_code == 200
    third = api.post(f"/tokens/{second['id']}/rotate", {"overlap_hours": 0}).json
    assert Api(app, first["token"]).get("/users").status_code == 200  # it ends in its own time
    assert Api(app, second["token"]).get("/users").status_code == 401
    assert Api(app, third["token"]).get("/users").status_code == 200


def test_there_is_no_other_of_the_same_name(app, account, api):
    reader = api.post("/tokens", READER).json
    refused = api.post("/tokens", READER | {"scopes": ["audit.view"]})
    assert refused.status_code == 409 and reader["prefix"] in refused.json["detail"]
    of_scim = a_token(account, name=READER["name"])
    api.post(f"/tokens/{reader['id']}/rotate", {"overlap_hours": 0})
    again = api.post(f"/tokens/{reader['id']}/rotate")
    assert again.status_code == 404  # It has ended.
    headers = {"Authorization": f"Bearer {of_scim.secret}"}
    assert app.test_client().get("/scim/v2/Users", headers=headers).status_code == 200


def test_a_secret_is_shown_once(api):
    first = api.post("/tokens", READER, Idempotency_Key="k").json
    again = api.post("/tokens", READER, Idempotency_Key="k").json
    assert again == first | {"token": None}
    assert names(api.all("/tokens")) == ["tests", "reader"]
    listed = api.get("/tokens").text
    assert first["token"] not in listed
    assert all(each.hash not in listed for each in rows(Token))
    assert first["token"] not in str([each.body for each in rows(IdempotencyKey)])


def test_no_token_makes_one_that_may_do_more(app, account):
    body = READER | {"scopes": ["token.manage", "user.view"]}
    small = Api(app, an_api_token(account, {"token.manage"}))
    refused = small.post("/tokens", body)
    assert refused.status_code == 403 and "user.view" in refused.json["detail"]
    an_api_token(account, ACTIONS)
    (_, whole) = small.all("/tokens")
    assert small.post(f"/tokens/{whole['id']}/rotate").status_code == 403
    over_admins = a_token(account, scopes=["users", "admins"])
    assert small.post(f"/tokens/{over_admins.id}/rotate").status_code == 403
    scim = {"surface": "scim", "name": "x", "connection_id": a_connection(account)}
    assert small.post("/tokens", scim | {"scopes": ["admins"]}).status_code == 403
    assert small.post("/tokens", scim | {"scopes": ["users"]}).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ["user.manage", "no.such"]},
        {"scopes": []},
        {"networks": ["203.0.113.7/24"]},
        {"networks": ["anywhere"]},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"connection_id": "x"},
        {"surface": "scim"},
        {"name": " "},
        {"name": "\0"},
        {"token": "gh_mine"},
    ],
)
def test_what_cannot_be_is_refused(api, change):
    assert api.post("/tokens", READER | change).status_code == 422
    assert names(api.all("/tokens")) == ["tests"]


def test_which_item_of_a_list_is_wrong_is_said(api):
    refused = api.post("/tokens", READER | {"networks": ["10.0.0.0/8", "x" * 65]})
    assert refused.json["errors"]["json"]["networks"].keys() == {"1"}


def test_an_expired_token_is_not_there(account, api):
    past = a_token(account, expires_at=now() - timedelta(hours=1))
    assert names(api.all("/tokens")) == ["tests"]
    assert api.delete(f"/tokens/{past.id}").status_code == 404


def test_tokens_are_named_by_id_alone(account, api):
    issued = a_token(account, name="okta")
    for name in ("okta", issued.prefix):
        assert api.delete(f"/tokens/{name}").status_code == 404
        assert api.post(f"/tokens/{name}/rotate").status_code == 404


def test_another_accounts_token_and_connection_do_not_exist(api):
    theirs = an_account()
    issued = a_token(theirs, connection_id := a_connection(theirs))
    assert api.get(f"/tokens/{issued.id}").status_code == 404
    assert api.delete(f"/tokens/{issued.id}").status_code == 404
    assert api.post(f"/tokens/{issued.id}/rotate").status_code == 404
    body = {"surface": "scim", "name": "x", "scopes": ["users"], "connection_id": connection_id}
    assert api.post("/tokens", body).status_code == 404


def test_all_pages(account, api):
    for number in range(5):
        a_token(account, name=f"t{number}")
    assert names(api.all("/tokens")) == ["tests", "t0", "t1", "t2", "t3", "t4"]
