"""``POST /events/<stream>/poll`` (RFC 8936)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.api import events
from app.directory import addresses, dead_letters, polling, streams
from app.security.event_tokens import PROVISIONING
from app.store.models import DeadLetter, EventStream
from tests.conftest import write
from tests.factories import a_group, a_user, an_account
from tests.inspection import row, rows
from tests.streams import a_stream, outgoing_ids


class Poller:
    """A receiver that asks."""

    def __init__(self, app, account_id: str, **options: Any) -> None:
        self.app, self.account_id = app, account_id
        self.stream = a_stream(account_id, **options)
        self.client = app.test_client()

    def ask(self, secret: str | None = None, **body: Any):
        headers = {"Authorization": f"Bearer {secret or self.stream.secret}"}
        return self.client.post(
            f"/events/{self.stream.id}/poll",
            json={"returnImmediately": True} | body,
            headers=headers,
        )

    def sets(self, **body: Any) -> dict[str, dict[str, Any]]:
        """What is handed over, by id, once the signatures are known to be good."""
        answer = self.ask(**body)
        assert answer.status_code == 200, answer.text
        if not answer.json["sets"]:
            return {}
        known = KeySet.import_key_set(self.client.get("/.well-known/jwks.json").json)
        read = {
            id_: jwt.decode(token, known, algorithms=["ES256"])
            for id_, token in answer.json["sets"].items()
        }
        assert all(each.header["typ"] == "secevent+jwt" for each in read.values())
        assert all(each.claims["jti"] == id_ for id_, each in read.items())
        return {id_: each.claims for id_, each in read.items()}

    def expected(self) -> list[str]:
        """The ids of what it is to be handed over: since its stream was created, in order."""
        return outgoing_ids(self.account_id)[-self.count() :]

    def count(self) -> int:
        return len(outgoing_ids(self.account_id)) - self.begin

    begin = 2  # that the account and its root folder were created


@pytest.fixture
def poller(app, account) -> Poller:
    return Poller(app, account)


def test_events_are_offered_until_they_are_acknowledged(account, poller):
    for _ in range(3):
        a_user(account)
    first = poller.sets(maxEvents=2)
    assert list(first) == poller.expected()[:2]
    assert list(poller.sets(maxEvents=2)) == list(first)
    answer = poller.ask(maxEvents=2, ack=list(first))
    assert list(answer.json["sets"]) == poller.expected()[2:]
    assert "moreAvailable" not in answer.json
    assert poller.ask(ack=list(answer.json["sets"])).json == {"sets": {}}
    kept = row(EventStream)
    assert (kept.cursor, kept.settled) == (len(outgoing_ids(account)), [])
    assert kept.delivered_at is not None


def test_it_says_that_there_is_more(account, poller):
    a_user(account)
    assert poller.ask(maxEvents=1).json["moreAvailable"] is True
    only = poller.ask(maxEvents=0, ack=poller.expected()[:1]).json
    assert only == {"sets": {}, "moreAvailable": True}
    assert list(poller.sets()) == poller.expected()[1:]


def test_acknowledged_in_any_order(account, poller):
    for _ in range(4):
        a_user(account)
    ids = poller.expected()
    left = [ids[0], ids[2]]
    assert list(poller.sets(ack=[ids[4], ids[1], ids[3], "unknown", ids[1]])) == left
    assert len(row(EventStream).settled) == 3
    assert list(poller.sets(ack=[ids[0]])) == [ids[2]]
    assert len(row(EventStream).settled) == 2
    assert poller.sets(ack=[ids[2]]) == {}
    assert row(EventStream).settled == []


def test_what_is_refused_is_put_aside_and_may_be_asked_for_again(account, poller):
    ids = poller.expected()
    errors = {ids[0]: {"err": "invalid_audience", "description": "not\tme"}}
    assert poller.sets(setErrs=errors | {"unknown": {"err": "x"}}) == {}
    letter = row(DeadLetter)
    assert (letter.event_id, letter.error) == (ids[0], "invalid_audience: not me")
    with write(account) as work:
        dead_letters.ask_again(work, poller.stream.id)
    again = poller.sets()
    assert ids[0] in again
    assert ids[0] not in poller.sets(setErrs={ids[0]: {"err": "still_no"}})
    assert (row(DeadLetter).tries, row(DeadLetter).error) == (2, "still_no")
    with write(account) as work:
        dead_letters.ask_again(work, poller.stream.id, ids[0])
    assert ids[0] in poller.sets()
    assert ids[0] not in poller.sets(ack=list(again))
    assert rows(DeadLetter) == []
    poller.ask(setErrs={ids[0]: {"err": "too_late"}})
    assert rows(DeadLetter) == []


def test_no_more_is_asked_again_at_once_than_is_offered(account, poller, monkeypatch):
    monkeypatch.setattr(polling, "MOST_EVENTS", 2)
    for number in range(3):
        a_user(account, f"more{number}@example.com")
    poller.ask(setErrs={each: {"err": "no"} for each in poller.expected()})
    with write(account) as work:
        assert dead_letters.ask_again(work, poller.stream.id) > 2
    assert len(poller.ask(maxEvents=2**31).json["sets"]) == 2


def test_only_what_is_wanted_is_offered_and_the_rest_is_passed_over(app, account):
    poller = Poller(app, account, wanted=[f"{PROVISIONING}:create:full"])
    a_group(account)
    ids = [each for each in poller.expected() if each in poller.sets()]
    assert len(ids) == 1
    assert poller.sets(ack=ids) == {}
    assert row(EventStream).cursor == len(outgoing_ids(account))


def test_one_that_is_never_settled_holds_back_no_more_than_a_bound(account, poller, monkeypatch):
    monkeypatch.setattr(polling, "BATCH", 2)
    monkeypatch.setattr(polling, "SEEN_LIMIT", 4)
    for _ in range(9):
        a_user(account)
    first, *others = poller.sets()
    for _ in range(9):
        others = list(poller.sets(ack=others))[1:]
    assert others == []
    assert len(row(EventStream).settled) <= 6
    poller.ask(ack=[first])
    assert row(EventStream).settled == [] and len(poller.sets()) > 0


def test_a_paused_stream_hands_nothing_over_and_a_disabled_one_is_refused(account, poller):
    with write(account) as work:
        streams.set_status(work, poller.stream.id, "paused")
    assert poller.sets() == {}
    with write(account) as work:
        streams.set_status(work, poller.stream.id, "enabled")
    assert list(poller.sets()) == poller.expected()
    with write(account) as work:
        streams.set_status(work, poller.stream.id, "disabled")
    assert poller.ask().status_code == 403


def test_only_with_its_own_token(app, account, poller):
    theirs = Poller(app, an_account())
    for secret in ("wrong", "x" * 300, theirs.stream.secret):
        refused = poller.ask(secret)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Gatehouse"'
        assert refused.content_type == "application/problem+json"
    assert app.test_client().post(f"/events/{poller.stream.id}/poll").status_code == 401
    with write(account) as work:
        fresh = streams.renew_secret(work, poller.stream.id)
    assert poller.ask().status_code == 401
    assert poller.ask(fresh).status_code == 200


def test_only_from_where_the_api_may_be_reached(account, poller):
    with write(account) as work:
        addresses.add(work, "api", "203.0.113.0/24")
    assert poller.ask().status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"maxEvents": -1},
        {"maxEvents": "many"},
        {"ack": "x"},
        {"ack": ["x"] * 1001},
        {"ack": [{"a": 1}]},
        {"setErrs": {"x": {}}},
        {"setErrs": ["x"]},
        {"returnImmediately": []},
    ],
)
def test_what_is_no_poll_is_refused(poller, body):
    assert poller.ask(**body).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100_000, b"\xff", b'"x"', b"null"])
def test_what_is_no_object_is_refused(app, poller, body):
    headers = {"Authorization": f"Bearer {poller.stream.secret}"}
    path = f"/events/{poller.stream.id}/poll"
    assert app.test_client().post(path, data=body, headers=headers).status_code == 400


def test_it_waits_for_an_event(app, account, poller, monkeypatch):
    monkeypatch.setattr(events, "LOOK_EVERY", 0.05)
    poller.ask(ack=poller.expected())
    got: list[Any] = []

    def wait() -> None:
        with app.app_context():
            got.append(poller.ask(returnImmediately=False).json["sets"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    assert got == []
    a_user(account)
    waiting.join(10)
    assert list(got[0]) == poller.expected()[-1:]


def test_who_waits_with_a_secret_that_has_ended_gets_nothing(account, poller):
    waiting = polling.identify(poller.stream.id, poller.stream.secret)
    with write(account) as work:
        fresh = streams.renew_secret(work, poller.stream.id)
    a_user(account)
    assert polling.poll(waiting).tokens == {}
    assert polling.poll(polling.identify(poller.stream.id, fresh)).tokens


def test_it_waits_neither_for_ever_nor_with_all_threads(app, account, poller, monkeypatch):
    monkeypatch.setattr(events, "LONGEST_POLL", 0.4)
    monkeypatch.setattr(events, "LOOK_EVERY", 0.05)
    poller.ask(ack=poller.expected())
    began = time.monotonic()
    assert poller.ask(returnImmediately=False).json == {"sets": {}}
    assert 0.4 <= time.monotonic() - began < 3
    monkeypatch.setattr(events, "LONGEST_POLL", 3)
    took: list[float] = []

    def wait() -> None:
        with app.app_context():
            at = time.monotonic()
            Poller.ask(poller, returnImmediately=False)
            took.append(time.monotonic() - at)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert sorted(each > 2 for each in took) == [False, False, True, True]
