"""``gatehouse stream``."""

from __future__ import annotations

import pytest

from app.directory import deliveries
from app.store.models import Account, OutgoingEvent
from tests.conftest import write
from tests.inspection import row, rows
from tests.receiver import a_receiver
from tests.streams import keys, let_in


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    return gatehouse


def listed(acme):
    (found,) = acme("stream", "list", "Acme", "--json")["streams"]
    return found


def test_a_stream_that_pushes(acme, tmp_path):
    let_in(acme.app)
    secret = tmp_path / "authorization"
    secret.write_text("Bearer s3cret\n")
    with a_receiver(lambda: keys(acme.app)) as receiver:
        options = ("--push", receiver.url, "--authorization-file", str(secret))
        made = acme("stream", "add", "Acme", "--name", "media", *options)
        assert f"{receiver.url}. " in made.stdout
        assert "\ngatehouse stream test Acme media\n" in made.stdout
        assert (
            "media: push, enabled, 1 waiting, 0 put aside" in acme("stream", "list", "Acme").stdout
        )
        assert "took it" in acme("stream", "test", "Acme", "media").stdout
        assert acme("jobs", "run", "--json")["done"][-1] == f"events to {receiver.url}"
        assert listed(acme)["waiting"] == 0
        assert {each["Authorization"] for each in receiver.headers} == {"Bearer s3cret"}
        acme("stream", "pause", "Acme", "media")
        last = receiver.taken[-1]["jti"]
        assert acme("stream", "replay", "Acme", "media", "--event", last, "--json")["events"] == 1
        assert listed(acme)["status"] == "paused"
        acme("stream", "resume", "Acme", "media")
        acme("jobs", "run")
        assert [each["jti"] for each in receiver.taken].count(last) == 2
        receiver.say = lambda number, claims: (500, {}, b"")
        refused = acme("stream", "test", "Acme", "media", exit_code=1)
        assert "answered 500" in refused.stdout
    acme("stream", "remove", "Acme", "media")
    assert "no stream" in acme("stream", "list", "Acme").stdout


def test_a_stream_that_is_polled(acme):
    made = acme(
        "stream", "add", "Acme", "--name", "media", "--event", "urn:x-gatehouse:event:*", "--json"
    )
    assert made["secret"] and made["poll_url"].endswith(f"/events/{made['id']}/poll")
    assert listed(acme)["wanted"] == ["urn:x-gatehouse:event:*"]
    assert "enabled, up to 1 waiting" in acme("stream", "list", "Acme").stdout
    acme("stream", "test", "Acme", "media", exit_code=2)
    replay = ("stream", "replay", "Acme", "media")
    assert "delivered again." in acme(*replay, "--since", "2026-01-01T00:00:00Z").stdout
    said = acme(*replay, "--since", "2999-01-01T00:00:00Z").stdout
    assert said.startswith("Nothing is delivered again: nothing has happened since then")
    for wrong in ([], ["--since", "yesterday"], ["--since", "2026-01-01"]):
        acme("stream", "replay", "Acme", "media", *wrong, exit_code=2)
    acme("stream", "replay", "Acme", "media", "--event", "nothing", exit_code=2)


def test_what_was_not_taken(acme):
    made = acme("stream", "add", "Acme", "--name", "media", "--json")
    for nothing in ([], ["--retry"], ["--discard"]):
        said = acme("stream", "dead-letters", "Acme", "media", *nothing).stdout
        assert said == "Nothing was put aside.\n"
    with acme.app.app_context():
        account_id = row(Account).id
        events = rows(OutgoingEvent)[:2]
        with write(account_id):
            deliveries.put_aside(account_id, made["id"], [(each, "no \x1b[1m") for each in events])
    shown = acme("stream", "dead-letters", "Acme", "media").stdout
    assert events[0].id in shown and "\x1b" not in shown
    assert acme("stream", "dead-letters", "Acme", "media", "--retry", "--json")["events"] == 2
    letters = acme("stream", "dead-letters", "Acme", "media", "--json")["dead_letters"]
    assert all(each["asked_again_at"] for each in letters)
    assert acme("stream", "dead-letters", "Acme", "media", "--discard", "--json")["events"] == 2
    acme("stream", "dead-letters", "Acme", "media", "--retry", "--discard", exit_code=2)
