"""``/api/v1/grants``, as administrators and as people who share folders call it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.store.database import db
from app.store.types import now
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_user,
    an_account,
)
from tests.inspection import plans, statements

DAY = timedelta(days=1)


@pytest.fixture
def person(app, account):
    """Ada, and the API as she calls it, signed in."""
    ada = a_user(account, "ada")
    return ada, signed_in(app, account, ada)


def to(type_: str, id_: str, role: str, folder: str | None = None, **terms):
    body = {"principal": {"type": type_, "id": id_}, "role_id": role, "folder_id": folder}
    return body | terms


def holders(found) -> list[str]:
    return [each["principal"]["name"] for each in found]


def the_grant(api, **query) -> dict:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    (found,) = api.get(f"/grants?{asked}").json["items"]
    return found


def in_url(at) -> str:
    return at.isoformat().replace("+", "%2B")


def test_a_grant_is_given_read_changed_and_revoked(api, account):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    ends = (now() + DAY).isoformat()
    made = api.post("/grants", to("user", ada, "editor", brand, reason="a job", expires_at=ends))
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    grant = api.get(path)
    assert grant.json == made.json
    assert grant.json["principal"] == {"type": "user", "id": ada, "name": "ada"}
    assert grant.json["role"] == {"id": "editor", "name": "editor"}
    assert grant.json["folder"] == {"id": brand, "path": "/Brand"}
    assert (grant.json["origin"], grant.json["granted_by"]) == ("manual", "tests")
    assert (grant.json["state"], grant.json["expires_at"]) == ("in_force", ends)
    changed = api.patch(path, {"expires_at": None}, If_Match=grant.headers["ETag"])
    assert (changed.json["reason"], changed.json["expires_at"]) == ("a job", None)
    assert changed.headers["ETag"] == '"2"'
    assert api.patch(path, {"reason": "x"}, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"1"').status_code == 412
    assert api.delete(path, If_Match='"2"').status_code == 204
    assert api.get(path).status_code == 404


def test_a_role_on_the_account_for_a_group(api, account):
    group = a_group(account, "Auditors")
    made = api.post("/grants", to("group", group, "reports")).json
    assert made["principal"] == {"type": "group", "id": group, "name": "Auditors"}
    assert made["folder"] is None


def test_a_post_with_a_key_is_done_once(api, account):
    body = to("user", a_user(account), "reports")
    first = api.post("/grants", body, Idempotency_Key="k")
    again = api.post("/grants", body, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Location"] == first.headers["Location"]


def test_given_again_it_takes_the_new_terms(api, account):
    ada = a_user(account)
    first = api.post("/grants", to("user", ada, "reports", reason="once")).json
    again = api.post("/grants", to("user", ada, "reports", reason="twice")).json
    assert (again["id"], again["reason"], again["version"]) == (first["id"], "twice", 2)


def test_grants_by_what_administrators_look_for(api, account):
    ada, bob, cyd = (a_user(account, name) for name in ("ada", "bob", "cyd"))
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    group = a_group(account, "Designers")
    a_mapping(account, "Designers", "manager", press)
    a_grant(account, ada, "viewer", brand, expires_at=now() + DAY)
    a_grant(account, bob, "viewer", brand, expires_at=now() - DAY)
    a_grant(account, cyd, "reports", not_before=now() + DAY)
    assert holders(api.all("/grants", limit=1)) == ["Designers", "ada", "bob", "cyd"]
    assert holders(api.all(f"/grants?user={ada}")) == ["ada"]
    assert holders(api.all(f"/grants?group={group}")) == ["Designers"]
    assert holders(api.all(f"/grants?folder={brand}")) == ["ada", "bob"]
    assert holders(api.all(f"/grants?folder={brand}&user={bob}")) == ["bob"]
    assert holders(api.all("/grants?role=reports")) == ["cyd"]
    assert holders(api.all("/grants?origin=mapping")) == ["Designers"]
    for state, expected in (("in_force", ["Designers", "ada"]), ("later", ["cyd"])):
        found = api.all(f"/grants?state={state}")
        assert holders(found) == expected
        assert {each["state"] for each in found} == {state}
    over = api.all("/grants?state=over")
    assert (holders(over), over[0]["state"]) == (["bob"], "over")
    soon = in_url(now() + 2 * DAY)
    assert holders(api.all(f"/grants?expiring_before={soon}")) == ["ada", "bob"]
    assert holders(api.all(f"/grants?expiring_before={soon}&state=in_force")) == ["ada"]


def test_a_longer_page_takes_no_more_statements(api, account):
    for _ in range(6):
        a_grant(account, a_user(account), "viewer", a_folder(account))
        a_grant(account, a_group(account), "reports")
    api.get("/grants")  # the first use of a token is noted
    counts = []
    for limit in (2, 12):
        with statements() as seen:
            assert len(api.get(f"/grants?limit={limit}").json["items"]) == limit
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["user", "group", "folder"])
def test_an_index_finds_what_was_given_to_one_or_on_one(api, name):
    """SQLite does not read all grants of the account in the list's order."""
    if db.engine.dialect.name == "sqlite":
        with plans() as steps:
            api.get(f"/grants?{name}=x")
        (inner,) = [each for each in steps if f"{name}_id=?" in each and "grants_1" in each]
        assert "USING" in inner and "INDEX ix_grants_account_id" in inner
        (outer,) = [each for each in steps if each.startswith("SEARCH grants USING")]
        assert "account_id=? AND id=?" in outer


@pytest.mark.parametrize(
    "terms",
    [
        {"not_before": "2026-01-02T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"},
        {"expires_at": "2026-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
        {"not_before": "0001-01-01T00:00:00+14:00"},
        {"reason": "x" * 1025},
        {"reason": "\0"},
        {"folder": "x"},
    ],
)
def test_what_no_grant_can_be(api, account, terms):
    body = to("user", a_user(account), "reports")
    assert api.post("/grants", body | terms).status_code == 422


def test_a_role_fits_where_it_is_given(api, account):
    ada, brand = a_user(account), a_folder(account)
    assert api.post("/grants", to("user", ada, "viewer")).status_code == 422
    assert api.post("/grants", to("user", ada, "admin", brand)).status_code == 422
    assert api.post("/grants", to("group", ada, "viewer", brand)).status_code == 404


def test_another_accounts_ids_do_not_exist(api, account):
    theirs = an_account()
    stranger, folder = a_user(theirs, "stranger"), a_folder(theirs, "Theirs")
    role = a_custom_role(theirs, "folder", {"folder.view"})
    a_grant(theirs, stranger, "viewer", folder)
    grant = the_grant(Api(api.client.application, an_api_token(theirs)), user=stranger)
    for method, json in (("GET", None), ("PATCH", {"reason": "x"}), ("DELETE", None)):
        assert api.call(method, f"/grants/{grant['id']}", json).status_code == 404
    ada, brand = a_user(account), a_folder(account)
    for body in (
        to("user", stranger, "viewer", brand),
        to("user", ada, "viewer", folder),
        to("user", ada, role, brand),
    ):
        assert api.post("/grants", body).status_code == 404
    for query in (f"user={stranger}", f"folder={folder}", f"role={role}"):
        assert api.get(f"/grants?{query}").json["items"] == []


def test_who_may(app, account):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "reports")
    reader = Api(app, an_api_token(account, {"user.view"}))
    grants = reader.all("/grants")
    assert len(grants) == 2
    for grant in grants:
        assert reader.patch(f"/grants/{grant['id']}", {"reason": "x"}).status_code == 403
        assert reader.delete(f"/grants/{grant['id']}").status_code == 403
    assert reader.post("/grants", to("user", ada, "reports")).status_code == 403
    assert reader.post("/grants", to("user", ada, "viewer", brand)).status_code == 404
    nobody = Api(app, an_api_token(account, {"audit.view"}))
    assert nobody.get("/grants").status_code == 403
    assert nobody.get(f"/grants?folder={brand}").status_code == 404
    assert nobody.get(f"/grants/{grants[0]['id']}").status_code == 404


def test_nobody_gives_more_than_they_hold(app, account):
    ada = a_user(account, "ada")
    clerk = Api(app, an_api_token(account, {"user.view", "role.assign", "report.view"}))
    assert clerk.post("/grants", to("user", ada, "reports")).status_code == 403
    little = a_custom_role(account, "account", {"report.view"})
    made = clerk.post("/grants", to("user", ada, little))
    assert made.status_code == 201
    a_grant(account, ada, "admin")
    admin = the_grant(clerk, user=ada, role="admin")
    assert clerk.patch(f"/grants/{admin['id']}", {"reason": "x"}).status_code == 403
    assert clerk.delete(f"/grants/{admin['id']}").status_code == 403
    assert clerk.delete(f"/grants/{made.json['id']}").status_code == 204


def test_a_manager_shares_a_folder_up_to_manager_and_not_elsewhere(account, person):
    ada, her = person
    bob = a_user(account, "bob")
    brand, press, secret = (a_folder(account, name) for name in ("Brand", "Press", "Secret"))
    inner = a_folder(account, "2026", parent=brand)
    a_grant(account, ada, "manager", brand)
    a_grant(account, ada, "viewer", press)
    for folder in (brand, inner):
        made = her.post("/grants", to("user", bob, "manager", folder))
        assert made.status_code == 201
        path = f"/grants/{made.json['id']}"
        assert her.get(path).json["granted_by"] == "ada"
        assert her.patch(path, {"reason": "a job"}).status_code == 200
        assert holders(her.all(f"/grants?folder={folder}"))[-1] == "bob"
        assert her.delete(path).status_code == 204
    assert her.post("/grants", to("user", bob, "viewer", press)).status_code == 403
    assert her.post("/grants", to("user", bob, "viewer", secret)).status_code == 404
    assert her.post("/grants", to("user", bob, "reports")).status_code == 403
    assert her.get("/grants").status_code == 403
    assert her.get(f"/grants?folder={press}").status_code == 403
    assert her.get(f"/grants?folder={secret}").status_code == 404


def test_who_shares_without_all_actions_gives_no_more(account, person):
    ada, her = person
    bob, brand = a_user(account, "bob"), a_folder(account, "Brand")
    sharer = a_custom_role(account, "folder", {"folder.view", "asset.view", "folder.share"})
    little = a_custom_role(account, "folder", {"folder.view"})
    a_grant(account, ada, sharer, brand)
    assert her.post("/grants", to("user", bob, "manager", brand)).status_code == 403
    assert her.post("/grants", to("user", bob, "viewer", brand)).status_code == 403
    assert her.post("/grants", to("user", ada, "manager", brand)).status_code == 403
    assert her.post("/grants", to("user", bob, little, brand)).status_code == 201


def test_grants_elsewhere_do_not_exist_for_who_shares_a_folder(api, account, person):
    ada, her = person
    bob = a_user(account, "bob")
    brand, press, secret = (a_folder(account, name) for name in ("Brand", "Press", "Secret"))
    a_grant(account, ada, "manager", brand)
    a_grant(account, ada, "viewer", press)
    for folder, status in ((press, 403), (secret, 404), (None, 404)):
        a_grant(account, bob, "viewer" if folder else "reports", folder)
        grant = api.get(f"/grants?user={bob}").json["items"][-1]
        path = f"/grants/{grant['id']}"
        assert her.get(path).status_code == status
        assert her.patch(path, {"reason": "x"}).status_code == status
        assert her.delete(path).status_code == status
        assert api.get(path).json == grant


def test_the_last_master_admin_stays(api, account):
    admin = a_master_admin(account)
    path = f"/grants/{the_grant(api, user=admin)['id']}"
    assert api.delete(path).status_code == 409
    assert api.patch(path, {"expires_at": in_url(now() - DAY)}).status_code == 422
    assert api.patch(path, {"expires_at": (now() - DAY).isoformat()}).status_code == 409


def test_a_dry_run_tells_who_would_gain_what(api, account):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    seen = api.post("/grants", to("user", ada, "viewer", brand), Prefer="dry-run").json
    assert (seen["status"], seen["answer"]["role"]["name"]) == (201, "viewer")
    assert seen["access"][0]["gained_folders"][0]["path"] == "/Brand"
    assert api.get("/grants").json["items"] == []
