"""Events in the console: streams added, tried, paused, replayed; what was not taken."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import deliveries
from app.security.secrets import digest
from app.store.models import DeadLetter, EventStream, OutgoingEvent
from app.store.types import now
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_grant, a_session, a_user
from tests.inspection import row, rows
from tests.receiver import a_receiver
from tests.streams import a_stream, keys, let_in, push


@pytest.fixture
def admin(browser, account) -> Browser:
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "technical_admin")
    browser.sign_in(a_session(account, user_id))
    return browser


def test_a_stream_is_added_tried_paused_and_deleted(app, admin, account):
    let_in(app)
    with a_receiver(lambda: keys(app)) as receiver:
        fields = {"name": "Media", "endpoint": receiver.url, "authorization": "Bearer s3cret"}
        answer = admin.submit("/streams/new", **fields)
        assert answer.status_code == 303
        page = answer.location
        stream = row(EventStream, account_id=account)
        assert (stream.delivery, stream.endpoint) == ("push", receiver.url)
        admin.submit(page, f"{page}/test")
        assert "The receiver took it." in admin.text(page)
        receiver.say = lambda number, claims: (500, {}, b"")
        admin.submit(page, f"{page}/test")
        assert "did not take it: answered 500." in admin.text(page)
        receiver.say = lambda number, claims: (202, {}, b"")
        push()
        assert len(receiver.taken) == 2  # the trial, and that the stream was created
        admin.submit(page, f"{page}/replay", since=f"{now():%Y-%m-%d}")
        assert "delivered again." in admin.text(page)
        admin.submit(page, f"{page}/replay", since=f"{now() + timedelta(days=2):%Y-%m-%d}")
        assert "Nothing is delivered again" in admin.text(page)
    admin.submit(page, f"{page}/status/paused")
    assert "paused" in admin.text("/streams")
    admin.submit(page, f"{page}/status/enabled")
    assert row(EventStream).status == "enabled"
    assert "s3cret" not in admin.text(page)
    admin.submit(page, f"{page}/delete")
    assert rows(EventStream) == [] and "Nobody is told" in admin.text("/streams")


def test_a_secret_to_poll_with_is_shown_once(admin, account):
    answer = admin.submit(
        "/streams/new",
        name="Media",
        delivery="poll",
        wanted="urn:ietf:params:scim:*\nurn:x-gatehouse:event:grant:given",
    )
    stream = row(EventStream, account_id=account)
    assert stream.wanted == ["urn:ietf:params:scim:*", "urn:x-gatehouse:event:grant:given"]
    assert answer.headers["Cache-Control"] == "no-store"
    page = f"/streams/{stream.id}"
    renewed = admin.submit(page, f"{page}/secret")
    from lxml import html

    shown = [
        html.document_fromstring(each.text).get_element_by_id("secret").get("value")
        for each in (answer, renewed)
    ]
    assert stream.hash == digest(shown[0])
    assert row(EventStream).hash == digest(shown[1])
    assert not any(each in admin.text(page) for each in shown)


@pytest.mark.parametrize("fields", [{"endpoint": ""}, {"endpoint": "http://media.example/"}])
def test_what_cannot_be_is_said_at_its_field(admin, fields):
    answer = admin.submit("/streams/new", name="Media", **fields)
    assert answer.status_code == 200 and 'id="endpoint-wrong"' in answer.text
    assert rows(EventStream) == []


def test_what_was_not_taken_is_tried_again_or_let_go(admin, account):
    stream = a_stream(account).id
    events = rows(OutgoingEvent, account_id=account)[:2]
    with write(account):
        deliveries.put_aside(account, stream, [(each, "<b>no</b>") for each in events])
    page = f"/streams/{stream}"
    assert "<b>no</b>" in admin.text(page)
    form = dict(admin.form(page, f"{page}/discard").form_values())
    referrer = {"Referer": admin.base_url + page}
    admin.post(f"{page}/retry", data=form | {"event": events[0].id}, headers=referrer)
    again = [bool(each.asked_again_at) for each in rows(DeadLetter)]
    assert again == [True, False]
    assert "is tried again" in admin.text(page)
    admin.submit(page, f"{page}/discard")
    assert rows(DeadLetter) == []
    assert "Nothing was put aside so far." in admin.text(page)
