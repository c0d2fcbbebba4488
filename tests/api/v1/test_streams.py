"""``/api/v1/streams``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.access.permissions import ACTIONS
from app.directory import deliveries
from app.store.models import EventStream, IdempotencyKey, OutgoingEvent
from app.store.types import now
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_user
from tests.inspection import audit, row, rows
from tests.receiver import a_receiver
from tests.streams import keys, let_in, outgoing_ids, push

PUSHED = {
    "name": "media",
    "delivery": "push",
    "endpoint": "https://media.example/events",
    "authorization": "Bearer s3cret",
}
POLLED = {"name": "polled", "delivery": "poll"}


def test_a_stream_is_made_used_changed_and_deleted(app, account, api):
    let_in(app)
    with a_receiver(lambda: keys(app)) as receiver:
        made = api.post("/streams", PUSHED | {"endpoint": receiver.url, "audience": "media"})
        assert made.status_code == 201 and made.json["secret"] is None
        path = made.headers["Location"].removeprefix("/api/v1")
        shown = api.get(path).json
        assert (shown["status"], shown["waiting"], shown["audience"]) == ("enabled", 1, "media")
        assert shown["has_authorization"] is True and "s3cret" not in str(shown)
        assert api.post(f"{path}/test").json == {"problem": None}
        a_user(account)
        push()
        shown = api.get(path).json
        assert (shown["waiting"], shown["failures"], shown["problem"]) == (0, 0, None)
        assert shown["delivered_at"]
        assert len(receiver.taken) == 3  # the trial first
        again = api.post(f"{path}/replay", {"event_id": receiver.taken[1]["jti"]})
        assert again.json == {"events": 2}
        assert api.get(path).json["waiting"] == 3
        assert api.post(f"{path}/replay", {"since": now().isoformat()}).json == {"events": 0}
        receiver.say = lambda number, claims: (500, {}, b"")
        assert api.post(f"{path}/test").json == {"problem": "answered 500"}
    to = {"name": "other", "authorization": None, "wanted": ["urn:x-gatehouse:event:*"]}
    changed = api.patch(path, to)
    assert (changed.json["name"], changed.json["has_authorization"]) == ("other", False)
    assert api.put(f"{path}/status", {"status": "paused"}).json["status"] == "paused"
    assert [each["name"] for each in api.all("/streams")] == ["other"]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    actions = [each.action for each in audit(account) if each.target_type == "stream"]
    assert [each.removeprefix("stream.") for each in actions] == [
        *("created", "replayed", "replayed", "updated", "paused", "deleted")
    ]


def test_a_secret_is_shown_once(app, account, api):
    made = api.post("/streams", POLLED, Idempotency_Key="k").json
    assert api.post("/streams", POLLED, Idempotency_Key="k").json == made | {"secret": None}
    assert made["secret"] not in str([each.body for each in rows(IdempotencyKey)])
    assert made["secret"] not in api.get("/streams").text
    poll_path = made["poll_url"].removeprefix(app.extensions["gatehouse"].public_url)

    def polled(secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return app.test_client().post(poll_path, json={}, headers=headers).status_code

    assert polled(made["secret"]) == 200
    fresh = api.post(f"/streams/{made['id']}/secret").json["secret"]
    assert (polled(made["secret"]), polled(fresh)) == (401, 200)
    assert api.post(f"/streams/{made['id']}/test").status_code == 422


def test_what_was_not_taken_is_tried_again_or_let_go(account, api):
    stream_id = api.post("/streams", POLLED).json["id"]
    events = rows(OutgoingEvent, account_id=account)[:3]
    with write(account):
        deliveries.put_aside(account, stream_id, [(event, "no") for event in events])
    path = f"/streams/{stream_id}/dead-letters"
    found = api.all(path)
    assert [each["event_id"] for each in found] == outgoing_ids(account)[:3]
    assert found[0]["error"] == "no" and found[0]["asked_again_at"] is None
    assert api.get(f"/streams/{stream_id}").json["dead_letters"] == 3
    one, other, _ = (each["event_id"] for each in found)
    assert api.post(f"{path}/{one}/retry").json == {"events": 1}
    assert [bool(each["asked_again_at"]) for each in api.all(path)] == [True, False, False]
    assert api.post(f"{path}/retry").json == {"events": 3}
    assert api.delete(f"{path}/{other}").status_code == 204
    assert api.delete(f"{path}/{other}").status_code == 404
    assert len(api.all(path)) == 2


@pytest.mark.parametrize(
    "body",
    [
        PUSHED | {"endpoint": "http://media.example/"},
        PUSHED | {"authorization": "a\nb"},
        {**PUSHED, "delivery": "poll"},
        {"name": "x", "delivery": "push"},
        POLLED | {"authorization": "Bearer x"},
        POLLED | {"name": ""},
        POLLED | {"wanted": ["x"] * 51},
        POLLED | {"more": 1},
        {"name": "x"},
    ],
)
def test_what_cannot_be_is_refused(api, body):
    assert api.post("/streams", body).status_code == 422
    assert rows(EventStream) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"since": "2026-01-01T00:00:00"},
        {"since": "0001-01-01T00:00:00Z"},
        {"since": (now() - timedelta(days=1)).isoformat(), "event_id": "x"},
    ],
)
def test_what_is_no_point_is_refused(api, body):
    stream_id = api.post("/streams", POLLED).json["id"]
    assert api.post(f"/streams/{stream_id}/replay", body).status_code == 422


def test_a_dry_run_makes_none(account, api):
    seen = api.post("/streams", POLLED, Prefer="dry-run").json
    assert seen["status"] == 201
    assert [each["action"] for each in seen["changes"]] == ["stream.created"]
    assert rows(EventStream) == []


def test_it_takes_the_permission(app, account, api):
    stream_id = api.post("/streams", POLLED).json["id"]
    others = Api(app, an_api_token(account, ACTIONS - {"stream.manage"}))
    assert others.get("/streams").status_code == 403
    assert others.post(f"/streams/{stream_id}/replay", {"event_id": "x"}).status_code == 403
    assert row(EventStream).status == "enabled"
