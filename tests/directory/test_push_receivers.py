"""What a receiver of events says, and to which ones nothing is pushed."""

from __future__ import annotations

import socket
import ssl
from datetime import timedelta
from http.client import BadStatusLine, IncompleteRead

import pytest
from sqlalchemy import update

from app.deliveries import run_all
from app.directory import dead_letters, pushing, signing_keys, streams
from app.directory.pushing import LONGEST_WAIT, TRIES_OF_REFUSED, Failure, wait_after
from app.security import outbound
from app.security.event_tokens import SESSION_REVOKED, VERIFICATION
from app.store.database import db
from app.store.models import DeadLetter, EventStream
from app.store.types import now
from tests.conftest import write
from tests.directory.pushed import sent
from tests.factories import a_user
from tests.inspection import row, rows
from tests.streams import let_in, push


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
    assert row(EventStream).problem == pushing.NOT_PUSHED_TO
    assert "GATEHOUSE_RECEIVER_NETWORKS" in pushing.NOT_PUSHED_TO
    elsewhere = {"endpoint": "https://127.0.0.1:1/", "next_try_at": None}
    db.session.execute(update(EventStream).values(elsewhere))
    db.session.commit()
    run_all()
    assert "not a public address" in row(EventStream).problem


def test_a_name_that_nobody_has_is_said(app, account, stream):
    """Names under ``invalid`` are nobody's (RFC 6761)."""
    db.session.execute(update(EventStream).values(endpoint="https://media.invalid/"))
    db.session.commit()
    run_all()
    assert row(EventStream).problem == "the name media.invalid cannot be found (DNS)"


def test_where_nobody_listens_is_said(app, account, stream):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    db.session.execute(update(EventStream).values(endpoint=f"http://127.0.0.1:{port}/"))
    db.session.commit()
    run_all()
    assert row(EventStream).problem == "the connection was refused"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "there was no answer in time"),
        (IncompleteRead(b""), "the connection broke off"),
        (BrokenPipeError(32, "Broken pipe"), "the connection broke off"),
        (ssl.SSLEOFError(8, "EOF occurred"), "the connection broke off"),
        (ssl.SSLError(1, "[SSL] wrong version"), "there is no TLS that both sides speak"),
        (OSError(113, "No route to host"), "No route to host"),
        (BadStatusLine("x"), "BadStatusLine"),
    ],
)
def test_problems_are_said_in_words(error, said):
    assert outbound.problem_of(error) == said


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


def test_what_is_asked_again_is_pushed_when_what_failed_is_not_wanted_any_more(
    account, receiver, stream
):
    """Otherwise the stream would be taken up again and again, and never push it."""
    receiver.say = lambda number, claims: (400, {}, b'{"err": "access_denied"}')
    a_user(account)
    for _ in range(3 * TRIES_OF_REFUSED):
        push()
    receiver.say = lambda number, claims: (503, {}, b"")
    a_user(account)
    push()
    assert row(EventStream).failures == 1 and rows(DeadLetter) != []
    with write(account) as work:
        streams.change(work, stream, wanted=[SESSION_REVOKED])
        dead_letters.ask_again(work, stream)
    push()
    assert row(EventStream).failures == 0 and rows(DeadLetter) == []
