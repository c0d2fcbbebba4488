"""The decision API: AuthZEN searches, page by page."""

from __future__ import annotations

import base64

import orjson

from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ROLES
from tests.api.pep import (
    SEARCHES,
    account_of,
    folder,
    user,
)
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user, an_account


def test_who_may(pep, account, ada, brand):
    people = [a_user(account, f"u{number}") for number in range(5)]
    a_grant(account, a_group(account, members=people), "editor", brand)
    gone = a_user(account, "gone", active=False)
    a_grant(account, gone, "editor", brand)
    for where in (brand, "/Brand"):
        body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
        found = pep.all(SEARCHES[0], body | {"resource": folder(where)})
        assert [each["id"] for each in found] == [*sorted([ada, *people])]
        assert all(pep.may(each["id"], "folder.view", folder(where)) for each in found)
    assert found[0] == user(ada) | {"properties": {"userName": "Ada@Example.com"}}


def test_who_may_on_the_account(pep, account, ada):
    admin = a_master_admin(account)
    body = {"subject": {"type": "user", "id": 7}, "action": {"name": "user.manage"}}
    found = pep.all(SEARCHES[0], body | {"resource": account_of("acme")})
    assert [each["id"] for each in found] == [admin]


def test_where_one_may(pep, account, ada, brand):
    inside = [a_folder(account, f"f{number}", parent=brand) for number in range(4)]
    a_folder(account, "Elsewhere")
    body = {"subject": user("ada@example.com"), "action": {"name": "folder.view"}}
    found = pep.all(SEARCHES[1], body | {"resource": {"type": "folder"}})
    assert [each["id"] for each in found] == sorted([brand, *inside])
    assert found[0] == folder(brand) | {"properties": {"path": "/Brand"}}
    body["action"] = {"name": "asset.edit"}
    assert pep.all(SEARCHES[1], body | {"resource": {"type": "folder"}}) == []


def test_on_which_account_one_may(pep, account, ada):
    a_grant(account, ada, "reports")
    body = {"subject": user(ada), "resource": {"type": "account", "id": "ignored"}}
    for limit in (1, 5):
        found = pep.all(SEARCHES[1], body | {"action": {"name": "audit.view"}}, limit)
        assert found == [account_of(account)]
    assert pep.all(SEARCHES[1], body | {"action": {"name": "user.manage"}}) == []


def test_what_one_may(pep, account, ada, brand):
    a_grant(account, ada, "reports")
    for where, expected in (
        (folder(brand), FOLDER_ROLES["viewer"]),
        (folder("/brand"), FOLDER_ROLES["viewer"]),
        (account_of(account), {"report.view", "audit.view"}),
        (folder("/"), set()),
    ):
        found = pep.all(SEARCHES[2], {"subject": user(ada), "resource": where})
        assert found == [{"name": name} for name in sorted(expected)]
        assert all(pep.may(ada, each["name"], where) for each in found)
    admin = a_master_admin(account)
    found = pep.all(SEARCHES[2], {"subject": user(admin), "resource": account_of(account)}, 5)
    assert {each["name"] for each in found} == ACCOUNT_ACTIONS


def test_searches_find_nothing_of_another_account(pep, account, ada, brand):
    theirs = an_account("Theirs")
    admin, place = a_master_admin(theirs, "root@theirs.example"), a_folder(theirs, "Press")
    view = {"action": {"name": "folder.view"}}
    for where in (place, "/Press", "none"):
        body = view | {"subject": {"type": "user"}, "resource": folder(where)}
        assert pep.all(SEARCHES[0], body) == []
        assert pep.all(SEARCHES[2], {"subject": user(ada), "resource": folder(where)}) == []
    body = {"subject": {"type": "user"}, "resource": account_of(theirs)}
    assert pep.all(SEARCHES[0], body | {"action": {"name": "user.manage"}}) == []
    for who in (admin, "root@theirs.example", "nobody"):
        body = {"subject": user(who)}
        assert pep.all(SEARCHES[1], body | view | {"resource": {"type": "folder"}}) == []
        assert pep.all(SEARCHES[2], body | {"resource": folder(brand)}) == []


def test_searches_for_what_there_is_not(pep, account, ada, brand):
    view, destroy = {"action": {"name": "folder.view"}}, {"action": {"name": "folder.destroy"}}
    for body in (
        view | {"subject": {"type": "group"}, "resource": folder(brand)},
        destroy | {"subject": {"type": "user"}, "resource": folder(brand)},
        view | {"subject": {"type": "user"}, "resource": account_of(account)},
        view | {"subject": {"type": "user"}, "resource": {"type": "document", "id": "1"}},
    ):
        assert pep.all(SEARCHES[0], body) == []
    for body in (
        view | {"subject": {"type": "group", "id": ada}, "resource": {"type": "folder"}},
        destroy | {"subject": user(ada), "resource": {"type": "folder"}},
        view | {"subject": user(ada), "resource": {"type": "document"}},
    ):
        assert pep.all(SEARCHES[1], body) == []


def test_pages(pep, account, ada, brand):
    for number in range(4):
        a_grant(account, a_user(account, f"u{number}"), "viewer", brand)
    body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
    body["resource"] = folder(brand)
    whole = pep.post(SEARCHES[0], body).json
    assert whole["page"] == {"next_token": "", "count": 5}
    first = pep.post(SEARCHES[0], body | {"page": {"limit": 3}}).json
    token = first["page"]["next_token"]
    rest = pep.post(SEARCHES[0], body | {"page": {"token": token}}).json
    assert first["results"] + rest["results"] == whole["results"]
    assert rest["page"] == {"next_token": "", "count": 2}
    none = pep.post(SEARCHES[0], body | {"page": {"limit": 0}}).json
    assert (none["results"], none["page"]["count"]) == ([], 0)
    assert none["page"]["next_token"]
    assert pep.post(SEARCHES[0], body | {"page": {"limit": 10**9}}).json == whole


def test_a_token_is_for_its_search_alone(pep, account, ada, brand):
    a_grant(account, a_user(account), "viewer", brand)
    body = {"subject": {"type": "user"}, "action": {"name": "folder.view"}}
    body["resource"] = folder(brand)
    token = pep.post(SEARCHES[0], body | {"page": {"limit": 1}}).json["page"]["next_token"]
    digest = orjson.loads(base64.urlsafe_b64decode(token))[0]
    for other in (
        {"action": {"name": "asset.view"}},
        {"resource": folder("/Brand")},
        {"context": {"more": 1}},
        {"page": {"token": token, "limit": 2}},
    ):
        answer = pep.post(SEARCHES[0], body | {"page": {"token": token}} | other)
        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
    forged = ["x", "=", "é", *(encoded(each) for each in (1, [], [digest], [digest, 1, 1]))]
    for wrong in (*forged, encoded([digest, "a", "b"])):
        assert pep.post(SEARCHES[0], body | {"page": {"token": wrong}}).status_code == 400
    odd = pep.post(SEARCHES[0], body | {"page": {"token": encoded([digest, "\0", -5])}})
    assert odd.json["results"] == []


def encoded(value) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()
