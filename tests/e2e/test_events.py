"""Events end to end: a server that is killed in the middle, a receiver that checks signatures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests
from sqlalchemy import select, update

from app.store.database import close_database, db
from app.store.models import EventStream, OutgoingEvent
from app.store.types import now
from tests.conftest import make_app
from tests.e2e.server import Server, free_port, gatehouse, running_server
from tests.receiver import TAKEN, a_receiver

USERS = 30
SECONDS = 60
USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def add_people(server: Server, token: str) -> None:
    for number in range(USERS):
        created = requests.post(
            f"{server.url}/scim/v2/Users",
            json=USER | {"userName": f"user{number}@example.com"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert created.status_code == 201, created.text


def after_the_kill(database_url: str) -> list[str]:
    """Let the lease of who was killed end, and return the ids of what is to arrive, in order."""
    with make_app(database_url).app_context():
        begin = select(OutgoingEvent.sequence).where(OutgoingEvent.type == "stream.created")
        events = select(OutgoingEvent.id).where(OutgoingEvent.sequence >= begin.scalar_subquery())
        found = list(db.session.scalars(events.order_by(OutgoingEvent.sequence)))
        db.session.execute(update(EventStream).values(leased_until=now()))
        db.session.commit()
        close_database()
    return found


def test_who_is_killed_in_the_middle_loses_nothing_and_renames_nothing(database_url, tmp_path):
    options = {"port": free_port(), "GATEHOUSE_RECEIVER_NETWORKS": "127.0.0.0/8"}
    known: dict[str, Any] = {}

    def keys() -> dict[str, Any]:
        if not known:  # as any application would, from where they are published
            url = f"http://127.0.0.1:{options['port']}/.well-known/jwks.json"
            known.update(requests.get(url, timeout=30).json())
        return known

    def slowly(_number: int, _claims: dict[str, Any]) -> Any:
        time.sleep(0.03)
        return TAKEN

    with a_receiver(keys) as receiver:
        receiver.say = slowly
        with running_server(database_url, tmp_path, **options) as server:
            gatehouse("account", "create", "Acme", env=server.env)
            made = gatehouse("token", "create", "Acme", "--name", "Okta", env=server.env)
            pushed = ("--push", receiver.url, "--audience", "media")
            gatehouse("stream", "add", "Acme", "--name", "media", *pushed, env=server.env)
            add_people(server, made["token"])
            until(lambda: len(receiver.taken) >= 5)
            server.kill()
        before = receiver.taken.copy()
        expected = after_the_kill(database_url)
        with running_server(database_url, tmp_path, **options):
            until(lambda: set(expected) <= set(receiver.ids()))
            time.sleep(1.5)  # for what should not come
    ids = receiver.ids()
    assert len(expected) == USERS + 1
    assert list(dict.fromkeys(ids)) == expected, "each for the first time in order"
    again = {each["jti"]: each for each in receiver.taken[len(before) :]}
    assert all(again.get(each["jti"], each) == each for each in before)
    assert {each["aud"] for each in receiver.taken} == {"media"}
