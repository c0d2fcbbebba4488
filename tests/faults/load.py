"""Writers over HTTP that remember what was answered, so that it can be held to the database."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from tests.e2e.server import Server, gatehouse

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LONGEST_ANSWER = 30.0
"""After so many seconds a request counts as one that hangs."""
REST = 0.1
"""Between a failure and the next try, in seconds: less than Retry-After, to see more of it."""
TRUSTS_US = {"GATEHOUSE_TRUSTED_PROXIES": "127.0.0.0/8"}
"""So that the ids we give our requests stand in the audit log."""


@dataclass(frozen=True)
class Sent:
    """One write, and how it ended."""

    request_id: str
    action: str
    """What it does, as the audit log calls it."""
    status: int
    """0: there was no answer."""
    user_id: str
    seconds: float
    problem: str = ""
    """What is wrong with the answer itself."""


@dataclass
class Ledger:
    """All writes of a load, in the order in which each writer sent them."""

    sent: list[Sent] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.sent)

    @property
    def acknowledged(self) -> list[Sent]:
        return [each for each in self.sent if 200 <= each.status < 300]

    @property
    def slowest(self) -> float:
        """Seconds."""
        return max(each.seconds for each in self.sent)

    @property
    def problems(self) -> set[str]:
        return {each.problem for each in self.sent} - {""}


class Load:
    """Some writers at work. Each adds people, changes them and deletes some of them again."""

    def __init__(self, urls: list[str], token: str) -> None:
        self.ledger = Ledger()
        self._urls, self._token = urls, token
        self._stop = threading.Event()

    def wait_for(self, number: int, seconds: float = 60) -> None:
        """Wait until so many more writes were acknowledged."""
        goal = len(self.ledger.acknowledged) + number
        deadline = time.monotonic() + seconds
        while len(self.ledger.acknowledged) < goal:
            assert time.monotonic() < deadline, self.ledger.statuses
            time.sleep(0.05)

    def wait_for_failures(self, status: int, number: int, seconds: float = 60) -> None:
        """Wait until so many more writes were answered with a status."""
        goal = self.ledger.statuses[status] + number
        deadline = time.monotonic() + seconds
        while self.ledger.statuses[status] < goal:
            assert time.monotonic() < deadline, self.ledger.statuses
            time.sleep(0.05)

    def work(self, name: str) -> None:
        url = self._urls[hash(name) % len(self._urls)]
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self._token}"
        writer = _Writer(session, f"{url}/scim/v2/Users", name, self.ledger)
        for number in count():
            if self._stop.is_set():
                return
            writer.one_person(number)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def load(urls: list[str], token: str, writers: int = 4) -> Iterator[Load]:
    """Let writers work until the block ends."""
    found = Load(urls, token)
    threads = [
        threading.Thread(target=found.work, args=(f"{chr(97 + number)}",))
        for number in range(writers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.stop()
        for thread in threads:
            thread.join(LONGEST_ANSWER * 3)
        assert not any(thread.is_alive() for thread in threads)


def token_of(server: Server) -> str:
    """Create the account and return a token that may write."""
    gatehouse("account", "create", "Acme", env=server.env)
    return str(gatehouse("token", "create", "Acme", "--name", "load", env=server.env)["token"])


@dataclass
class _Writer:
    session: requests.Session
    url: str
    name: str
    ledger: Ledger

    def one_person(self, number: int) -> None:
        body = {"schemas": [USER], "userName": f"{self.name}{number}"}
        made = self._send("user.created", "POST", f"{number}-add", body)
        if made.status != 201:
            return
        for change in range(2):
            operation = {"op": "replace", "path": "displayName", "value": f"{number}/{change}"}
            body = {"schemas": [PATCH], "Operations": [operation]}
            self._send("user.updated", "PATCH", f"{number}-{change}", body, made.user_id)
        if number % 3 == 0:
            self._send("user.deleted", "DELETE", f"{number}-del", None, made.user_id)

    def _send(self, action: str, method: str, suffix: str, body: Any, user_id: str = "") -> Sent:
        request_id = f"load-{self.name}-{suffix}-{len(self.ledger.sent)}"
        url = f"{self.url}/{user_id}" if user_id else self.url
        at = time.monotonic()
        status, problem = 0, ""
        try:
            answer = self.session.request(
                method, url, json=body, headers={"X-Request-Id": request_id}, timeout=LONGEST_ANSWER
            )
            status = answer.status_code
            if status == 503 and not answer.headers.get("Retry-After", "").isdigit():
                problem = "503 without Retry-After"
            if status == 201:
                user_id = answer.json()["id"]
        except requests.Timeout:
            problem = "no answer in time"
        except requests.RequestException:
            pass  # The server has gone, or its answer broke off.
        sent = Sent(request_id, action, status, user_id, time.monotonic() - at, problem)
        self.ledger.sent.append(sent)
        if not 200 <= status < 300:
            time.sleep(REST)
        return sent
