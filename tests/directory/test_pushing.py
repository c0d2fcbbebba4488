"""Pushing events (RFC 8935): each one, in order, again and again until it is taken or put aside."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.deliveries import run_all
from app.directory import dead_letters, groups, memberships, pushing, sessions, streams, users
from app.directory.deliveries import DEAD_LIMIT
from app.directory.pushing import TRIES, TRIES_OF_REFUSED
from app.security.event_tokens import PROVISIONING, SESSION_REVOKED
from app.store.models import DeadLetter, EventStream, Session
from app.store.types import now
from tests.conftest import write
from tests.directory.pushed import sent
from tests.factories import a_group, a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.receiver import refused
from tests.streams import a_stream, outgoing_ids, push


def test_every_change_arrives_signed_in_order_and_once(app, account, receiver, stream):
    ada = a_user(account, "ada@example.com", external_id="00u1")
    with write(account) as work:
        users.set_active(work, ada, False)
    push()
    assert receiver.ids() == sent(account, stream)
    created = receiver.taken[1]
    assert created["iss"] == app.extensions["gatehouse"].public_url
    assert created["aud"] == receiver.url and created["account"] == account
    assert created["sub_id"] == {
        "format": "scim",
        "uri": f"/Users/{ada}",
        "externalId": "00u1",
    }
    (uri,) = created["events"]
    assert uri == f"{PROVISIONING}:create:full"
    assert created["events"][uri]["data"]["userName"] == "ada@example.com"
    assert list(receiver.taken[-1]["events"]) == [f"{PROVISIONING}:deactivate"]
    assert "sub" not in created and "exp" not in created
    headers = receiver.headers[0]
    assert headers["Content-Type"] == "application/secevent+jwt"
    assert headers["Authorization"] == "Bearer s3cret"
    push()
    assert len(receiver.tried) == len(receiver.taken) == 3
    kept = row(EventStream, id=stream)
    assert (kept.failures, kept.problem, kept.runner) == (0, None, None)
    assert kept.delivered_at is not None


def test_what_is_not_taken_is_tried_again_and_nothing_overtakes_it(account, receiver, stream):
    receiver.say = lambda number, claims: (503, {}, b"busy") if number < 2 else (202, {}, b"")
    a_user(account)
    run_all()
    kept = row(EventStream, id=stream)
    assert (len(receiver.tried), kept.failures, kept.problem) == (1, 1, "answered 503")
    assert kept.next_try_at > now()
    run_all()
    assert len(receiver.tried) == 1, "it waits"
    push()
    push()
    assert receiver.ids() == sent(account, stream)
    assert len({each["jti"] for each in receiver.tried[:3]}) == 1
    assert row(EventStream, id=stream).problem is None


def test_an_event_that_is_refused_is_put_aside_and_the_others_go_on(account, receiver, stream):
    bad = a_user(account, "bad@example.com")
    good = a_user(account, "good@example.com")

    def say(_number, claims):
        is_bad = claims["sub_id"].get("uri") == f"/Users/{bad}"
        return refused("invalid_request", "never heard\x00 of\n") if is_bad else (202, {}, b"")

    receiver.say = say
    for _ in range(TRIES_OF_REFUSED):
        push()
    letter = row(DeadLetter)
    assert letter.error == "invalid_request: never heard  of "
    assert (letter.type, letter.tries) == ("user.created", 1)
    assert receiver.taken[-1]["sub_id"]["uri"] == f"/Users/{good}"
    assert {*receiver.ids(), letter.event_id} == {*sent(account, stream)}

    with write(account) as work:
        assert dead_letters.ask_again(work, stream) == 1
    push()
    assert row(DeadLetter).tries == 2 and row(DeadLetter).asked_again_at is None
    receiver.say = lambda number, claims: (202, {}, b"")
    with write(account) as work:
        dead_letters.ask_again(work, stream, letter.event_id)
    push()
    assert rows(DeadLetter) == []
    assert sorted(receiver.ids()) == sorted(sent(account, stream))


def test_a_receiver_that_is_away_for_long(account, receiver, stream):
    receiver.say = lambda number, claims: (0, {}, b"")
    for _ in range(TRIES - 1):
        push()
    assert rows(DeadLetter) == [] and row(EventStream).failures == TRIES - 1
    push()
    letter = row(DeadLetter)
    assert letter.error == "the connection broke off"
    with write(account) as work:
        assert dead_letters.discard(work, stream) == 1
    assert rows(DeadLetter) == []


def test_a_stream_whose_events_all_die_is_paused(account, receiver, stream, monkeypatch):
    monkeypatch.setattr(pushing, "TRIES_OF_REFUSED", 1)
    receiver.say = lambda number, claims: refused("access_denied")
    for _ in range(DEAD_LIMIT + 3):
        a_user(account)
    push()
    kept = row(EventStream, id=stream)
    assert (kept.status, kept.problem) == ("paused", "access_denied")
    assert len(rows(DeadLetter)) == len(receiver.tried) == DEAD_LIMIT
    (event,) = audit(account, "stream.paused")
    assert (event.actor_type, event.after["reason"]) == ("system", "access_denied")
    receiver.say = lambda number, claims: (202, {}, b"")
    with write(account) as work:
        streams.set_status(work, stream, "enabled")
        dead_letters.ask_again(work, stream)
    push()
    assert sorted(receiver.ids()) == sorted(sent(account, stream))


def test_a_replay_sends_the_same_events_again(account, receiver, stream):
    a_user(account)
    push()
    first = receiver.ids()
    with write(account) as work:
        assert streams.replay(work, stream, first[0]) == 2
    push()
    assert receiver.ids()[len(first) :] == sent(account, stream)
    assert receiver.taken[: len(first)] == receiver.taken[len(first) : 2 * len(first)]


def test_only_what_is_wanted(account, receiver):
    let_me_know = [SESSION_REVOKED, f"{PROVISIONING}:de*"]
    stream = a_stream(account, endpoint=receiver.url, audience="media", wanted=let_me_know).id
    ada = a_user(account, "ada@example.com")
    a_session(account, ada)
    session = row(Session).id
    with write(account) as work:
        sessions.revoke(work, session, reason="signed out")
    with write(account) as work:
        users.delete(work, ada)
    push()
    revoked, deleted = receiver.taken
    assert (revoked["aud"], deleted["aud"]) == ("media", "media")
    assert list(deleted["events"]) == [f"{PROVISIONING}:delete"]
    issuer = revoked["iss"]
    assert revoked["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": issuer, "sub": ada},
        "session": {"format": "opaque", "id": session},
    }
    payload = revoked["events"][SESSION_REVOKED]
    assert payload["reason_admin"] == {"en": "signed out"}
    assert payload["event_timestamp"] == revoked["iat"]
    assert row(EventStream, id=stream).cursor == len(outgoing_ids(account))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add")),
        st.tuples(st.just("group")),
        st.tuples(st.sampled_from(["off", "on", "rename", "join", "delete"]), st.integers(0, 9)),
        st.tuples(st.just("push"), st.lists(st.booleans(), max_size=4)),
        st.tuples(st.just("undone")),
    ),
    max_size=20,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_happens_all_of_it_arrives_in_order(app, receiver, steps):
    """However the receiver fails meanwhile: what it took is what was written, in that order."""
    account_id = an_account()
    stream = a_stream(account_id, endpoint=receiver.url).id
    group_id, people = a_group(account_id), []
    receiver.taken.clear()
    for step, *how in steps:
        if step == "push":
            answers = iter(how[0])
            receiver.say = lambda number, claims, a=answers: (
                (202, {}, b"") if next(a, True) else (503, {}, b"")
            )
            push()
        elif step == "add":
            people.append(a_user(account_id))
        elif step == "group":
            a_group(account_id)
        elif step == "undone":
            with pytest.raises(ZeroDivisionError), write(account_id) as work:
                users.create(work, users.Profile("nobody@example.com"))
                work.finish()
                raise ZeroDivisionError
        elif people:
            _change(account_id, step, people, how[0], group_id)
    receiver.say = lambda number, claims: (202, {}, b"")
    push()
    assert receiver.ids() == sent(account_id, stream)
    with write(account_id) as work:
        streams.remove(work, stream)


def _change(account_id: str, step: str, people: list[str], which: int, group_id: str) -> None:
    user_id = people[which % len(people)]
    with write(account_id) as work:
        if step == "delete":
            users.delete(work, people.pop(which % len(people)))
        elif step == "join":
            memberships.add(work, group_id, [user_id])
        elif step == "rename":
            name = f"Group {len(outgoing_ids(account_id))}"
            groups.replace(work, group_id, groups.GroupProfile(name))
        else:
            users.set_active(work, user_id, step == "on")
