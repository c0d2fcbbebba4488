"""The transaction around every write: audit, outgoing events, epoch, refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.directory import users
from app.directory.errors import LastMasterAdmin, NotFound
from app.directory.users import Profile
from app.directory.work import Actor, Target, record_refusal, transaction
from app.store.models import Account, AuditEvent, OutgoingEvent
from tests.conftest import CLI_ACTOR, write
from tests.factories import a_master_admin, a_user
from tests.inspection import audit, epoch, fingerprint, row, rows
from tests.threads import at_once

ADMIN = Actor(
    type="user",
    name="ada",
    surface="console",
    id="0190",
    address="192.0.2.1",
    request_id="request-1",
)


def test_an_event_says_who_from_where(account):
    with transaction(account, ADMIN) as work:
        user_id = users.create(work, Profile("eve"))
    (event,) = audit(account, "user.created")
    assert (event.actor_type, event.actor_id, event.actor_name) == ("user", "0190", "ada")
    assert (event.surface, event.address, event.request_id) == (
        "console",
        "192.0.2.1",
        "request-1",
    )
    assert (event.outcome, event.reason, event.sequence, event.seal) == ("success", "", None, None)
    told = row(OutgoingEvent, id=event.id)
    assert told.type == "user.created"
    assert told.payload == {"target": {"type": "user", "id": user_id}, "after": event.after}
    assert told.sequence == row(Account, id=account).event_sequence


def test_events_keep_their_order_in_a_transaction(account):
    with write(account) as work:
        for number in range(5):
            users.create(work, Profile(f"user{number}"))
    assert [event.target_name for event in audit(account, "user.created")] == [
        f"user{number}" for number in range(5)
    ]


def test_the_epoch_grows_once_a_transaction_that_changes_access(account):
    ada, eve = a_user(account), a_user(account)
    before = epoch(account)
    with write(account) as work:
        users.set_active(work, ada, False)
        users.set_active(work, eve, False)
    assert epoch(account) == before + 1


def test_the_epoch_grows_with_each_of_many_at_once(app, account):
    people = [a_user(account) for _ in range(4)]
    before = epoch(account)

    def deactivate(user_id: str) -> None:
        with write(account) as work:
            users.set_active(work, user_id, False)

    assert at_once(app, [(deactivate, each) for each in people]) == [None] * 4
    assert epoch(account) == before + 4


def test_an_ordinary_refusal_is_not_audited(account):
    before = fingerprint()
    with pytest.raises(NotFound), write(account) as work:
        users.set_active(work, "no such id", False)
    assert fingerprint() == before


def test_a_refusal_is_not_told_to_others(account):
    ada = a_master_admin(account)
    told = rows(OutgoingEvent)
    herself = replace(ADMIN, id=ada)
    with pytest.raises(LastMasterAdmin), transaction(account, herself) as work:
        users.set_active(work, ada, False)
    assert rows(OutgoingEvent) == told
    (event,) = audit(account, "directory.refused")
    assert (event.outcome, event.actor_id, event.address) == ("refused", ada, "192.0.2.1")
    assert (event.target_type, event.target_id) == ("account", account)


@pytest.mark.parametrize("text", ["x" * 100_000, "\0", "\ud800"])
def test_a_refusal_can_be_written_whatever_it_says(account, text):
    target = Target("user", None, text)
    record_refusal(account, CLI_ACTOR, "sign_in.refused", text, target)
    (event,) = audit(account, "sign_in.refused")
    assert event.outcome == "refused"
    assert len(event.reason) <= 1000
    assert len(rows(AuditEvent, action="sign_in.refused")) == 1


@pytest.mark.parametrize(
    ("surface", "origin"),
    [("scim", "scim"), ("saml", "saml"), ("console", "manual"), ("cli", "manual")],
)
def test_the_origin_follows_from_the_surface(surface, origin):
    assert Actor(type="user", name="ada", surface=surface).origin == origin
