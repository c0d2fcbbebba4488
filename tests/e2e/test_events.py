"""Events end to end: a server that is killed in the middle, a receiver that checks signatures."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select, update

from app.store.database import close_database, db
from app.store.models import EventStream, OutgoingEvent
from app.store.types import now
from tests.conftest import make_app
from tests.e2e.server import GATEHOUSE, _environment, free_port, gatehouse
from tests.receiver import TAKEN, a_receiver

USERS = 30
SECONDS = 60


@contextmanager
def serving(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that may be killed."""
    with log.open("ab") as output:
        command = [GATEHOUSE, "serve"]
        process = subprocess.Popen(
            command, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until(lambda: answers(f"{env['GATEHOUSE_PUBLIC_URL']}/healthz"))
        yield process
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.ConnectionError:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers, with no time to say goodbye."""
    import os

    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def test_who_is_killed_in_the_middle_loses_nothing_and_renames_nothing(database_url, tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = _environment(database_url, tmp_path / "data", port, url)
    env["GATEHOUSE_RECEIVER_NETWORKS"] = "127.0.0.0/8"
    gatehouse("account", "create", "Acme", env=env)
    token = gatehouse("token", "create", "Acme", "--name", "Okta", env=env)["token"]
    known: dict[str, Any] = {}

    def keys() -> dict[str, Any]:
        if not known:  # as any application would, from where it is published
            known.update(requests.get(f"{url}/.well-known/jwks.json", timeout=30).json())
        return known

    def slowly(_number: int, _claims: dict[str, Any]) -> Any:
        time.sleep(0.03)
        return TAKEN

    with a_receiver(keys) as receiver:
        receiver.say = slowly
        options = ("--push", receiver.url, "--audience", "media")
        stream = gatehouse("stream", "add", "Acme", "--name", "media", *options, env=env)["id"]
        with serving(env, tmp_path / "log") as process:
            for number in range(USERS):
                created = requests.post(
                    f"{url}/scim/v2/Users",
                    json={"schemas": [], "userName": f"user{number}@example.com"}
                    | {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=30,
                )
                assert created.status_code == 201, created.text
            until(lambda: len(receiver.taken) >= 5)
            kill(process)
        before = len(receiver.taken)
        expected = after_the_kill(database_url, stream)
        with serving(env, tmp_path / "log"):
            until(lambda: set(expected) <= set(receiver.ids()))
            time.sleep(1.5)
    ids = receiver.ids()
    assert len(expected) == USERS + 1 and set(ids) == set(expected)
    assert list(dict.fromkeys(ids)) == expected, "each for the first time in order"
    again = {each["jti"]: each for each in receiver.taken[before:]}
    assert all(again.get(each["jti"], each) == each for each in receiver.taken[:before])
    assert {each["aud"] for each in receiver.taken} == {"media"}


def after_the_kill(database_url: str, stream_id: str) -> list[str]:
    """Let the lease of who was killed end, and return the ids of what is to arrive."""
    app = make_app(database_url)
    with app.app_context():
        stream = db.session.execute(select(EventStream).where(EventStream.id == stream_id)).scalar()
        ids = select(OutgoingEvent.id).where(OutgoingEvent.account_id == stream.account_id)
        created = ids.where(OutgoingEvent.type == "stream.created").with_only_columns(
            OutgoingEvent.sequence
        )
        first = db.session.scalar(created)
        after = ids.where(OutgoingEvent.sequence >= first).order_by(OutgoingEvent.sequence)
        found = list(db.session.scalars(after))
        db.session.execute(update(EventStream).values(leased_until=now()))
        db.session.commit()
        close_database()
    return found
