"""Pushing events (RFC 8935): each one, in order, again and again until it is taken or put aside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from app.deliveries import run_all
from app.directory import (
    dead_letters,
    deliveries,
    groups,
    memberships,
    pushing,
    sessions,
    signing_keys,
    streams,
    users,
)
from app.directory.deliveries import DEAD_LIMIT
from app.directory.pushing import LONGEST_WAIT, TRIES, TRIES_OF_REFUSED, Failure, wait_after
from app.security.event_tokens import PROVISIONING, SESSION_REVOKED, VERIFICATION
from app.store.database import db
from app.store.models import DeadLetter, EventStream, Session
from app.store.types import now
from tests.conftest import write
from tests.factories import a_group, a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.receiver import TAKEN, Receiver, a_receiver, refused
from tests.streams import a_stream, keys, let_in, outgoing_ids, push
from tests.threads import at_once


@pytest.fixture
def receiver(app) -> Iterator[Receiver]:
    let_in(app)
    with a_receiver(lambda: keys(app)) as found:
        yield found


@pytest.fixture
def stream(account, receiver) -> str:
    return a_stream(account, endpoint=receiver.url, authorization="Bearer s3cret").id


def sent(account_id: str, stream_id: str) -> list[str]:
    """The ids of the events the stream is to deliver, in order: those since it was created."""
    ids = outgoing_ids(account_id)
    (created,) = audit(account_id, "stream.created")
    assert created.target_id == stream_id
    return ids[ids.index(created.id) :]


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
    assert letter.error == "RemoteDisconnected"
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


def test_who_dies_in_the_middle_has_sent_nothing_under_another_id(account, receiver, stream):
    """The one process has pushed, and is gone before it could note so."""
    for _ in range(3):
        a_user(account)
    turn = deliveries.claim_next()
    assert turn is not None

    class Killed(BaseException):
        pass

    def say(number, claims):
        return (202, {}, b"")

    receiver.say = say
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):

        def die(*_):
            raise Killed

        patch.setattr(deliveries, "note_delivered", die)
        pushing.take_turn(turn, Event())
    once = receiver.ids()
    assert once == sent(account, stream)
    assert deliveries.claim_next() is None, "its lease holds"
    db.session.execute(update(EventStream).values(leased_until=now()))
    db.session.commit()
    run_all()
    assert receiver.ids() == once * 2


def test_an_account_with_many_streams_does_not_keep_others_from_their_turn(account, receiver):
    for number in range(3):
        a_stream(account, endpoint=receiver.url, name=f"number {number}")
    other = an_account("Other")
    a_stream(other, endpoint=receiver.url)
    turns = [deliveries.claim_next().account_id for _ in range(4)]
    assert turns == [account, other, account, account]


def test_who_comes_back_too_late_notes_nothing(account, receiver, stream):
    a_user(account)
    late = deliveries.claim_next()
    db.session.execute(update(EventStream).values(leased_until=now()))
    db.session.commit()
    run_all()
    assert receiver.ids() == sent(account, stream)
    cursor = row(EventStream).cursor
    late.cursor = 0
    with pytest.raises(deliveries.Lost):
        deliveries.note_delivered(late)
    with pytest.raises(deliveries.Lost):
        deliveries.note_failure(late, "x", timedelta(0))
    assert row(EventStream).cursor == cursor


@pytest.mark.parametrize("change", ["pause", "replay", "remove"])
def test_a_stream_that_is_changed_is_taken_from_who_works_on_it(account, receiver, stream, change):
    turn = deliveries.claim_next()
    before = turn.cursor
    with write(account) as work:
        if change == "pause":
            streams.set_status(work, stream, "paused")
        elif change == "replay":
            streams.replay(work, stream, now() - timedelta(hours=1))
        else:
            streams.remove(work, stream)
    pushing.take_turn(turn, Event())
    if change != "remove":
        assert row(EventStream).cursor == (0 if change == "replay" else before)


def test_of_several_processes_one_pushes_a_stream(app, account, receiver, stream):
    for _ in range(5):
        a_user(account)
    assert at_once(app, [(lambda _: run_all(), None)] * 4) == [None] * 4
    assert receiver.ids() == sent(account, stream)


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


def test_a_receiver_says_when_to_come_back(account, receiver, stream):
    receiver.say = lambda number, claims: (429, {"Retry-After": "120"}, b"")
    run_all()
    assert row(EventStream).next_try_at > now() + timedelta(seconds=110)


def test_waits_grow_and_differ_and_end():
    failure = Failure("x")
    for failures, longest in ((0, 1), (3, 8), (30, 3600)):
        waits = {wait_after(failures, failure) for _ in range(20)}
        assert len(waits) > 1
        assert all(
            timedelta(seconds=longest / 2) <= each <= timedelta(seconds=longest) for each in waits
        )
    late = Failure("x", retry_after=timedelta(days=9))
    assert wait_after(0, late) == LONGEST_WAIT


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(account, receiver, stream, status):
    receiver.say = lambda number, claims: (status, {"Location": receiver.url}, b"")
    run_all()
    assert len(receiver.tried) == 1
    assert row(EventStream).problem == f"answered {status}"


def test_our_own_network_is_not_pushed_to(app, account, receiver, stream):
    let_in(app)
    from dataclasses import replace

    closed = replace(app.extensions["gatehouse"], receiver_networks=())
    app.extensions["gatehouse"] = closed
    run_all()
    assert receiver.tried == []
    assert row(EventStream).problem == "not an address that events are pushed to"
    elsewhere = {"endpoint": "https://127.0.0.1:1/", "next_try_at": None}
    db.session.execute(update(EventStream).values(elsewhere))
    db.session.commit()
    run_all()
    assert "not a public address" in row(EventStream).problem


def test_a_turn_ends_between_two_events_when_the_process_is_to_stop(account, receiver, stream):
    a_user(account)
    stop = Event()

    def stopping(_number, _claims):
        stop.set()
        return TAKEN

    receiver.say = stopping
    pushing.take_turn(deliveries.claim_next(), stop)
    assert len(receiver.taken) == 1
    left = row(EventStream)
    assert (left.leased_until, left.failures, left.problem) == (None, 0, None)
    receiver.say = lambda number, claims: TAKEN
    run_all()
    assert len(receiver.ids()) == len(set(receiver.ids())) > 1


def test_a_name_that_nobody_has_is_said(app, account, stream):
    """Names under ``invalid`` are nobody's (RFC 6761)."""
    db.session.execute(update(EventStream).values(endpoint="https://media.invalid/"))
    db.session.commit()
    run_all()
    assert row(EventStream).problem == "the name media.invalid cannot be found (DNS)"


def test_a_trial_says_what_the_receiver_says(account, receiver, stream):
    assert pushing.test(row(EventStream)) is None
    (claims,) = receiver.taken
    assert list(claims["events"]) == [VERIFICATION]
    assert claims["sub_id"] == {"format": "opaque", "id": stream}
    assert receiver.headers[0]["Authorization"] == "Bearer s3cret"
    receiver.say = lambda number, claims: (500, {}, b"")
    assert pushing.test(row(EventStream)) == "answered 500"
    assert row(EventStream).failures == 0


def test_nothing_is_pushed_without_the_header_it_had(app, account, receiver, stream):
    key = app.extensions["gatehouse"].secret_key
    let_in(app, secret_key="another key of 32 characters, or more")
    signing_keys.rotate("another key of 32 characters, or more")
    for _ in range(3):
        push()
    told = row(EventStream)
    assert "set the header anew" in told.problem and told.problem == pushing.test(told)
    assert (told.failures, told.status, told.next_try_at > now()) == (1, "enabled", True)
    let_in(app, secret_key=key)
    signing_keys.rotate(key)
    push()
    assert receiver.ids() == sent(account, stream)
    assert {each["Authorization"] for each in receiver.headers} == {"Bearer s3cret"}
    assert row(EventStream).problem is None and rows(DeadLetter) == []


def test_it_is_pushed_again_with_a_header_that_is_set_anew(app, account, receiver, stream):
    let_in(app, secret_key="another key of 32 characters, or more")
    signing_keys.rotate("another key of 32 characters, or more")
    push()
    with write(account) as work:
        streams.change(work, stream, authorization="Bearer new")
    push()
    assert {each["Authorization"] for each in receiver.headers} == {"Bearer new"}
    assert receiver.ids() == sent(account, stream)


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
