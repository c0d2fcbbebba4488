"""Two server processes on one database: what one has taken, the other refuses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
import requests

from tests.e2e.server import Server, gatehouse, running_server
from tests.saml.conftest import request_of
from tests.saml.provider import TestProvider

AT_THE_SAME_TIME = 20


@dataclass(frozen=True)
class Pair:
    """Two processes with one public address, and a provider that both believe."""

    servers: tuple[Server, Server]
    provider: TestProvider
    path: str

    @property
    def sp(self) -> str:
        return f"{self.servers[0].url}{self.path}"

    def post(self, server: Server, response: str) -> requests.Response:
        return requests.post(
            f"{server.url}{self.path}/acs",
            data={"SAMLResponse": response},
            allow_redirects=False,
            timeout=30,
        )

    def ask(self, server: Server) -> str:
        """Begin to sign in at one process, and return the id of its request."""
        answer = requests.get(f"{server.url}{self.path}/login", allow_redirects=False, timeout=30)
        asked: str = request_of(answer.headers["Location"]).get("ID")
        return asked


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    provider = TestProvider()
    (tmp_path / "metadata.xml").write_bytes(provider.metadata())
    with (
        running_server(database_url, tmp_path / "first") as first,
        running_server(database_url, tmp_path / "second", public_url=first.url) as second,
    ):
        gatehouse("account", "create", "Acme", env=first.env)
        made = gatehouse(
            *("connection", "add-saml", "Acme", "--metadata", str(tmp_path / "metadata.xml")),
            env=first.env,
        )
        gatehouse(*("connection", "set", "Acme", "SAML", "--provisioning", "create"), env=first.env)
        yield Pair((first, second), provider, f"/saml/{made['id']}")


def test_what_one_process_has_taken_the_other_refuses(pair: Pair) -> None:
    first, second = pair.servers
    response = pair.provider.response(pair.sp, pair.ask(first))
    taken = pair.post(second, response)
    assert taken.status_code == 303, taken.text
    for server in (first, second):
        assert pair.post(server, response).status_code == 403

    # The session that one opened is known to the other, and over for both at once.
    cookies = taken.cookies
    for server in (first, second):
        assert requests.get(f"{server.url}/api/session", cookies=cookies, timeout=30).ok
    assert _at_the_same_time(pair) == [{303, 403}] * AT_THE_SAME_TIME


def _at_the_same_time(pair: Pair) -> list[set[int]]:
    """Give each of many responses to both processes at one moment; return what they answered."""
    start = Barrier(2)

    def post(server: Server, response: str) -> int:
        start.wait(timeout=30)
        return pair.post(server, response).status_code

    answered = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(AT_THE_SAME_TIME):
            asked = pair.ask(pair.servers[number % 2])
            response = pair.provider.response(pair.sp, asked)
            answered.append(set(pool.map(post, pair.servers, [response] * 2)))
    return answered
