"""Several processes push events, and one may die: nothing is lost, or sent under another id."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import update

from app.deliveries import run_all
from app.directory import dead_letters, deliveries, pushing, streams
from app.directory.pushing import TRIES_OF_REFUSED
from app.store.database import db
from app.store.models import EventStream
from app.store.types import now
from tests.conftest import write
from tests.directory.pushed import sent
from tests.factories import a_user, an_account
from tests.inspection import row
from tests.receiver import TAKEN
from tests.streams import a_stream, push
from tests.threads import at_once


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


def test_what_was_put_aside_is_not_gone_on_with_when_the_process_is_to_stop(
    account, receiver, stream
):
    for _ in range(3):
        a_user(account)
    receiver.say = lambda number, claims: (400, {}, b'{"err": "access_denied"}')
    for _ in range(5 * TRIES_OF_REFUSED):
        push()
    with write(account) as work:
        assert dead_letters.ask_again(work, stream) > 2
    tried, stop = len(receiver.tried), Event()

    def stopping(_number, _claims):
        stop.set()
        return TAKEN

    receiver.say = stopping
    pushing.take_turn(deliveries.claim_next(), stop)
    assert len(receiver.tried) == tried + 1
