"""``/api/v1/audit``."""

from __future__ import annotations

import csv
from io import StringIO

import orjson

from tests.api.v1.client import Api, an_api_token
from tests.factories import a_user, an_account


def actions(items) -> list[str]:
    return [each["action"] for each in items]


def test_what_happened_is_listed_newest_first(api, account):
    made = api.post("/users", {"user_name": "ada"}).json
    api.patch(f"/users/{made['id']}", {"active": False})
    events = api.all(f"/audit?target={made['id']}")
    assert actions(events) == ["user.deactivated", "user.created"]
    assert (events[0]["before"], events[0]["after"]) == ({"active": True}, {"active": False})
    assert (events[0]["surface"], events[0]["actor"]["name"]) == ("api", "tests")
    assert events[0]["address"] == "127.0.0.1" and events[0]["request_id"]


def test_filters(api, account):
    a_user(account, "ada")
    api.post("/users", {"user_name": "bob"})
    assert [
        each["target"]["name"] for each in api.all("/audit?action=user.created&surface=api")
    ] == ["bob"]
    assert set(actions(api.all("/audit?action=user."))) == {"user.created"}
    assert api.all("/audit?outcome=refused") == []
    (event,) = api.all("/audit?surface=api&actor=tests")
    assert api.all(f"/audit?request_id={event['request_id']}") == [event]
    at = event["at"].replace("+", "%2B")
    assert event in api.all(f"/audit?since={at}")
    assert event not in api.all(f"/audit?until={at}")


def test_it_is_exported_and_that_is_written_down(api, account):
    a_user(account, "=cmd()")
    lines = [orjson.loads(line) for line in api.get("/audit/export").data.splitlines()]
    assert actions(lines)[0] == "audit.exported"
    assert "=cmd()" in [each["target"]["name"] for each in lines]
    answer = api.get("/audit/export?format=csv&action=user.")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit.csv"
    (row,) = csv.DictReader(StringIO(answer.text))
    assert (row["action"], row["target_name"]) == ("user.created", "'=cmd()")
    newest = api.get("/audit?limit=1").json["items"][0]
    assert newest["after"] == {"format": "csv", "action": "user."}


def test_what_no_database_keeps_is_no_reason_to_fail(api, account):
    assert api.get("/audit?action=%00").json["items"] == []
    answer = api.get("/audit/export?action=%00")
    assert answer.status_code == 422 and "action" in answer.json["errors"]
    assert actions(api.get("/audit").json["items"])[0] != "audit.exported"


def test_nothing_of_another_account(app, api, account):
    other = an_account("Other")
    a_user(other, "stranger")
    assert "stranger" not in api.get("/audit/export").text
    theirs = Api(app, an_api_token(other))
    assert "stranger" in theirs.get("/audit/export").text
    assert Api(app, an_api_token(account, {"user.view"})).get("/audit").status_code == 403
