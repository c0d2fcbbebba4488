"""``/api/v1/addresses``, and what the rules of the API do to who calls it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import addresses
from app.store.database import db
from app.store.models import AddressRule, Token
from app.store.types import now
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.conftest import write
from tests.factories import a_master_admin, a_user, an_account
from tests.inspection import audit, row, rows, statements

HOME = {"surface": "api", "network": "127.0.0.0/8"}
AWAY = {"surface": "api", "network": "203.0.113.0/24"}
PATH = "/addresses"


def a_rule(account: str, surface: str = "scim", network: str = "203.0.113.0/24", **more) -> str:
    with write(account) as work:
        return addresses.add(work, surface, network, **more).id


def networks(found) -> list[str]:
    return [each["network"] for each in found]


def from_afar(api: Api) -> Api:
    api.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    return api


def test_a_rule_is_made_changed_and_taken_away(account, api):
    made = api.post(PATH, HOME | {"network": "127.0.0.1", "note": "Here"})
    assert made.status_code == 201
    assert made.json.items() >= {"network": "127.0.0.1/32", "note": "Here"}.items()
    assert made.json["created_by"] == "tests"
    path = made.headers["Location"].removeprefix("/api/v1")
    assert api.get(path).json == made.json
    changed = api.patch(path, {"network": "127.0.0.0/8"})
    assert changed.json == made.json | {"network": "127.0.0.0/8"} == api.get(path).json
    assert api.patch(path, {"note": ""}).json["note"] == ""
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    events = audit(account, "address_rule.added", "address_rule.changed", "address_rule.removed")
    assert len(events) == 4 and {each.surface for each in events} == {"api"}


def test_nobody_shuts_themselves_out_unasked(app, account, api):
    refused = api.post(PATH, AWAY)
    assert (refused.status_code, refused.json["title"]) == (409, "Would lock out")
    assert "127.0.0.1" in refused.json["detail"] and rows(AddressRule) == []
    home = f"{PATH}/{api.post(PATH, HOME).json['id']}"
    assert api.post(PATH, AWAY).status_code == 201
    assert api.delete(home).status_code == 409
    assert api.patch(home, {"network": "10.0.0.0/8"}).status_code == 409
    soon = (now() + timedelta(hours=1)).isoformat()
    assert api.patch(home, {"expires_at": soon}).status_code == 409
    assert api.patch(f"{home}?confirm=true", {"expires_at": soon}).status_code == 200
    assert api.delete(f"{home}?confirm=true").status_code == 204
    refused = api.get(PATH)
    assert refused.status_code == 403
    assert refused.json["detail"] == "The address 127.0.0.1 is not allowed for the API."


def test_a_dry_run_shuts_nobody_out(api):
    seen = api.post(f"{PATH}?confirm=true", AWAY, Prefer="dry-run").json
    assert seen["status"] == 201
    assert [each["action"] for each in seen["changes"]] == ["address_rule.added"]
    assert rows(AddressRule) == []


def test_a_post_with_a_key_is_done_once(api):
    first = api.post(PATH, HOME, Idempotency_Key="k")
    again = api.post(PATH, HOME, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert api.post(PATH, HOME).status_code == 409


def test_who_comes_from_elsewhere_is_refused_and_that_is_noted(app, account, api):
    api.post(PATH, HOME)
    assert api.get("/users").status_code == 200
    before = row(Token).last_used_at
    from_afar(api)
    for _ in range(3):
        refused = api.post("/users", {"user_name": "ada"})
        assert refused.status_code == 403 and "198.51.100.7" in refused.json["detail"]
        assert refused.content_type == "application/problem+json"
    (event,) = audit(account, "address.refused")
    assert (event.outcome, event.address, event.actor_name) == ("refused", "198.51.100.7", "tests")
    assert row(Token).last_used_at == before
    other = from_afar(Api(app, an_api_token(an_account())))
    assert other.get("/users").status_code == 200


def test_where_all_rules_have_expired_nobody_comes_in(account, api):
    rule_id = api.post(PATH, HOME).json["id"]
    past = now() - timedelta(seconds=1)
    with write(account):
        db.session.execute(
            update(AddressRule).where(AddressRule.id == rule_id).values(expires_at=past)
        )
    assert api.get("/users").status_code == 403


def test_rules_of_other_surfaces_bind_no_token(account, api):
    for surface in ("console", "scim"):
        a_rule(account, surface)
    assert api.get("/users").status_code == 200


def test_it_costs_a_token_no_statement(account, api):
    api.get("/users")
    with statements() as before:
        api.get("/users")
    a_rule(account, "api", "127.0.0.0/8")
    with statements() as after:
        api.get("/users")
    assert len(after) == len(before)


@pytest.mark.parametrize("surface", ["api", "console"])
def test_a_session_of_an_administrator_is_bound_by_the_rules_of_the_console_too(
    app, account, surface
):
    a_rule(account, surface)
    her = signed_in(app, account, a_master_admin(account))
    assert her.get("/users").status_code == 403
    assert len(audit(account, "address.refused")) == 1


def test_a_session_of_somebody_else_is_bound_by_those_of_the_api_alone(app, account):
    a_rule(account, "console")
    her = signed_in(app, account, a_user(account))
    assert her.get("/me").status_code == 200
    a_rule(account, "api")
    assert her.get("/me").status_code == 403


def test_who_would_be_refused_is_told_beforehand(account, api):
    api.post("/users", {"user_name": "ada"})
    api.post("/users", {"user_name": "bob"})
    trial = {"surface": "api", "networks": ["203.0.113.0/24"]}
    (refused,) = api.post(f"{PATH}/preview", trial).json["refused"]
    assert (refused["address"], refused["names"], refused["events"]) == ("127.0.0.1", ["tests"], 2)
    allowed = api.post(f"{PATH}/preview", trial | {"networks": ["127.0.0.0/8"]})
    assert allowed.json == {"refused": [], "cut_off": False}
    assert rows(AddressRule) == []


@pytest.mark.parametrize(
    "change",
    [
        {"surface": "saml"},
        {"network": "10.0.0.1/8"},
        {"network": "anywhere"},
        {"network": "\0"},
        {"note": "\ud800"},
        {"note": "x" * 257},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"confirm": True},
    ],
)
def test_what_cannot_be_is_refused(api, change):
    assert api.post(PATH, HOME | change).status_code == 422
    assert rows(AddressRule) == []
    trial = {"surface": "api", "networks": [""], **change}
    assert api.post(f"{PATH}/preview", trial).status_code == 422


def test_all_pages(account, api):
    for number in range(5):
        a_rule(account, network=f"10.{number}.0.0/16")
    a_rule(account, "console")
    expected = [f"10.{number}.0.0/16" for number in range(5)]
    assert networks(api.all(f"{PATH}?surface=scim")) == expected
    assert len(api.all(PATH)) == 6


def test_who_may(app, account):
    path = f"{PATH}/{a_rule(account)}"
    other = Api(app, an_api_token(account, {"settings.manage"}))
    answers = [
        other.get(PATH),
        other.get(path),
        other.post(PATH, HOME),
        other.post(f"{PATH}/preview", {"surface": "api", "networks": []}),
        other.patch(path, {"note": "x"}),
        other.delete(path),
    ]
    assert {each.status_code for each in answers} == {403}


def test_another_accounts_rule_does_not_exist(account, api):
    theirs = an_account()
    path = f"{PATH}/{a_rule(theirs)}"
    assert api.get(path).status_code == 404
    assert api.patch(path, {"note": "x"}).status_code == 404
    assert api.delete(f"{path}?confirm=true").status_code == 404
    assert api.all(PATH) == []
    assert row(AddressRule).note == ""
