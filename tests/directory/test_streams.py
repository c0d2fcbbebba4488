"""Streams of events: who may be told, where each stands, what is kept how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import streams, users
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.streams import STREAMS_LIMIT
from app.security.secrets import digest
from app.store.database import db
from app.store.models import Account, DeadLetter, EventStream, OutgoingEvent
from app.store.types import first_id, now
from tests.conftest import write
from tests.factories import a_user
from tests.inspection import audit, outgoing, row, rows
from tests.streams import a_stream, let_in, outgoing_ids
from tests.threads import at_once

PUSHED = {"endpoint": "https://media.example/events", "authorization": "Bearer s3cret-s3cret"}


def places(account_id: str) -> list[int]:
    return sorted(each.sequence for each in rows(OutgoingEvent, account_id=account_id))


def test_places_have_no_gap_and_are_in_the_order_of_the_transactions(app, account):
    def add(number: int) -> None:
        with write(account) as work:
            users.create(work, users.Profile(f"many{number}@example.com"))

    assert at_once(app, [(add, number) for number in range(8)]) == [None] * 8
    with pytest.raises(RuntimeError), write(account) as work:
        users.create(work, users.Profile("nobody@example.com"))
        work.finish()
        raise RuntimeError
    a_user(account)
    found = places(account)
    assert found == list(range(1, len(found) + 1))
    assert row(Account, id=account).event_sequence == found[-1]


def test_a_clock_that_goes_back_loses_nothing(account, monkeypatch):
    """Ids would sort the other way; places don't."""
    stream = a_stream(account)
    a_user(account, "first@example.com")
    early = iter(f"{first_id(now() - timedelta(hours=1))}-7000-8000-{n:012x}" for n in range(9))
    monkeypatch.setattr("app.directory.work.new_id", lambda: next(early))
    a_user(account, "second@example.com")
    by_place = outgoing_ids(account)
    assert by_place != sorted(by_place)
    cursor = row(EventStream, id=stream.id).cursor
    after = [each for each in rows(OutgoingEvent) if each.sequence > cursor]
    assert [each.type for each in sorted(after, key=lambda each: each.sequence)] == [
        "stream.created",
        "user.created",
        "user.created",
    ]


def test_no_secret_is_kept_in_the_open(app, account):
    pushed, polled = a_stream(account, **PUSHED), a_stream(account, "poll")
    assert pushed.secret is None and polled.secret
    assert row(EventStream, id=polled.id).hash == digest(polled.secret)
    everything = repr([rows(table) for table in (EventStream, OutgoingEvent)]) + repr(
        audit(account)
    )
    assert "s3cret" not in everything and polled.secret not in everything
    with write(account) as work:
        fresh = streams.renew_secret(work, polled.id)
    assert row(EventStream, id=polled.id).hash == digest(fresh)
    with pytest.raises(NotFound), write(account) as work:
        streams.renew_secret(work, pushed.id)


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "http://media.example/events"},
        {"endpoint": "https://user:password@media.example/"},
        {"endpoint": "https://media.example/a b"},
        {"endpoint": "https://media.example/#x"},
        {"endpoint": "ftp://media.example/"},
        {"endpoint": "https://[::1"},
        {"endpoint": "https://[::1]/"},
        {"endpoint": "https://10.0.0.5/"},
        {"endpoint": "https://127.1/"},
        {"endpoint": "https://2130706433/"},
        {"endpoint": f"https://{'x' * 70}.example/"},
        PUSHED | {"authorization": "Bearer x\r\nX-Other: y"},
        {"audience": "x" * 2000},
        {"wanted": ["x" * 300]},
        {"wanted": ["foo:bar"]},
        {"wanted": ["*", "urn:ietf:params:scim:event:prov:create"]},
        {"wanted": [f"urn:x-gatehouse:event:{number}" for number in range(51)]},
        {"name": " "},
    ],
)
def test_what_cannot_be_is_refused(account, options):
    with pytest.raises(Invalid):
        a_stream(account, **{"name": "x"} | options)
    assert rows(EventStream) == []


def test_what_is_refused_is_said_with_what_there_is(account):
    with pytest.raises(Invalid, match="GATEHOUSE_RECEIVER_NETWORKS"):
        a_stream(account, endpoint="https://10.0.0.5/")
    with pytest.raises(Invalid, match=r"foo:bar fits no event.*urn:x-gatehouse:event:\*"):
        a_stream(account, wanted=["foo:bar"])


def test_plain_http_only_to_networks_of_ones_own(app, account):
    let_in(app)
    assert a_stream(account, endpoint="http://127.0.0.1:1/").secret is None
    assert a_stream(account, "with TLS", endpoint="https://127.0.0.1:1/").secret is None
    with pytest.raises(Invalid):
        a_stream(account, "elsewhere", endpoint="http://93.184.216.34/")


def test_a_name_is_given_once_and_streams_are_bounded(account):
    first = a_stream(account, "0")
    with pytest.raises(Taken):
        a_stream(account, "0")
    for number in range(1, STREAMS_LIMIT):
        a_stream(account, str(number))
    with pytest.raises(Invalid):
        a_stream(account, "one more")
    assert streams.find(account, "0") == streams.find(account, first.id) == first.id
    with pytest.raises(NotFound):
        streams.find(account, "nothing")


def test_a_stream_is_changed(account):
    stream = a_stream(account, **PUSHED)
    with write(account) as work:
        assert streams.change(
            work,
            stream.id,
            name="other",
            wanted=["urn:x-gatehouse:event:a", "urn:x-gatehouse:event:a"],
        )
        assert not streams.change(work, stream.id, name="other")
        assert streams.change(work, stream.id, authorization=None)
    kept = row(EventStream, id=stream.id)
    assert (kept.name, kept.wanted, kept.sealed_authorization) == (
        "other",
        ["urn:x-gatehouse:event:a"],
        None,
    )
    first, second = audit(account, "stream.updated")
    assert first.after == {"name": "other", "wanted": ["urn:x-gatehouse:event:a"]}
    assert second.after == {"authorization": "changed"}
    polled = a_stream(account, "poll")
    with pytest.raises(Invalid), write(account) as work:
        streams.change(work, polled.id, endpoint="https://media.example/")


@pytest.mark.parametrize(
    ("endpoint", "kept"),
    [
        ("https://media.example/other", True),
        ("https://MEDIA.example/events", True),
        ("https://media.example:8443/events", False),
        ("https://elsewhere.example/events", False),
    ],
)
def test_nobody_learns_the_authorization_by_an_endpoint_of_their_own(account, endpoint, kept):
    stream = a_stream(account, **PUSHED)
    with write(account) as work:
        streams.change(work, stream.id, endpoint=endpoint)
    assert (row(EventStream, id=stream.id).sealed_authorization is not None) == kept
    assert audit(account, "stream.updated")[0].after.get("authorization") == (
        None if kept else "changed"
    )
    with write(account) as work:
        streams.change(work, stream.id, endpoint="https://new.example/", authorization="Basic x")
    assert row(EventStream, id=stream.id).sealed_authorization is not None


def test_a_paused_stream_keeps_its_place_and_a_disabled_one_does_not(account):
    paused, disabled = a_stream(account, "paused"), a_stream(account, "disabled")
    with write(account) as work:
        assert streams.set_status(work, paused.id, "paused")
        assert streams.set_status(work, disabled.id, "disabled")
    a_user(account)
    before = row(EventStream, id=paused.id).cursor
    last = row(Account, id=account).event_sequence
    with write(account) as work:
        streams.set_status(work, paused.id, "enabled")
        streams.set_status(work, disabled.id, "enabled")
    assert row(EventStream, id=paused.id).cursor == before
    assert row(EventStream, id=disabled.id).cursor == last
    assert outgoing(account)[-2:] == ["stream.enabled"] * 2


def test_a_replay_goes_back_and_never_ahead(account):
    stream = a_stream(account)
    a_user(account)
    a_user(account)
    ids = outgoing_ids(account)
    this = update(EventStream).where(EventStream.id == stream.id)
    db.session.execute(this.values(cursor=len(ids) - 1, settled=[len(ids)]))
    db.session.commit()
    with write(account) as work:
        assert streams.replay(work, stream.id, ids[-2]) == 1
        assert streams.replay(work, stream.id, now() + timedelta(hours=1)) == 0
    kept = row(EventStream, id=stream.id)
    assert (kept.cursor, kept.settled) == (len(ids) - 2, [])
    with write(account) as work:
        assert streams.replay(work, stream.id, now() - timedelta(hours=1)) == len(ids) - 2
    assert row(EventStream, id=stream.id).cursor == 0
    with pytest.raises(NotFound), write(account) as work:
        streams.replay(work, stream.id, "nothing")


def test_old_events_go_unless_a_stream_needs_them(app, account):
    let_in(app, event_days=1)
    needs, disabled = a_stream(account, "needs"), a_stream(account, "disabled")
    with write(account) as work:
        streams.set_status(work, disabled.id, "disabled")
    a_user(account)
    old = first_id(now() - timedelta(days=2))
    for number, each in enumerate(rows(OutgoingEvent, account_id=account)):
        this = update(OutgoingEvent).where(OutgoingEvent.id == each.id)
        db.session.execute(this.values(id=f"{old}-7000-8000-{number:012x}"))
    db.session.commit()
    kept, *_ = rows(OutgoingEvent, account_id=account)
    letter = {"sequence": kept.sequence, "event_id": kept.id, "type": kept.type, "error": "no"}
    db.session.add(DeadLetter(account_id=account, stream_id=needs.id, **letter))
    db.session.commit()
    last = places(account)[-1]
    cursor = row(EventStream, id=needs.id).cursor
    streams.forget_old()
    assert places(account) == [kept.sequence, *range(cursor + 1, last + 1)]
    with write(account) as work:
        streams.remove(work, needs.id)
    streams.forget_old()
    assert places(account) == [last + 1]  # that the stream is deleted: it is new
    a_user(account)
    assert places(account) == [last + 1, last + 2]


def test_a_stream_of_another_account_is_not_there(account):
    from tests.factories import an_account

    theirs = a_stream(an_account())
    for do in (streams.remove, streams.renew_secret):
        with pytest.raises(NotFound), write(account) as work:
            do(work, theirs.id)
    with pytest.raises(NotFound), write(account) as work:
        streams.set_status(work, theirs.id, "paused")
