"""Several processes on one database are one: what one has taken away, the others refuse."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from lxml import html

from app.security.limits import MINUTE
from tests.e2e.server import Server, gatehouse, running_server
from tests.faults.conftest import fresh
from tests.faults.load import PATCH, USER
from tests.postgres import Postgres

TIMEOUT = 60
LIMIT = 200
"""Requests a minute."""
BEYOND = 120
"""How many more may come through within the second in which processes tell each other."""
RACERS = 50


@dataclass(frozen=True)
class Client:
    """Somebody with a token of an account of their own."""

    account: str
    token: str
    servers: tuple[Server, Server]

    def scim(self, process: int, method: str, path: str, **more: Any) -> requests.Response:
        bearer = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.servers[process].url}/scim/v2{path}"
        return requests.request(method, url, headers=bearer, timeout=TIMEOUT, **more)


@pytest.fixture(scope="module")
def servers(
    lasting_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """Two processes on one database."""
    url, folder = fresh(lasting_postgres, "pair"), tmp_path_factory.mktemp("pair")
    limit = {"GATEHOUSE_SCIM_REQUESTS_PER_MINUTE": str(LIMIT)}
    with (
        running_server(url, folder / "first", **limit) as first,
        running_server(url, folder / "second", public_url=first.url, **limit) as second,
    ):
        yield first, second


@pytest.fixture
def client(servers: tuple[Server, Server], request: pytest.FixtureRequest) -> Client:
    account, env = request.node.name, servers[0].env
    gatehouse("account", "create", account, env=env)
    token = gatehouse("token", "create", account, "--name", "pair", env=env)["token"]
    return Client(account, token, servers)


def test_who_is_deactivated_at_one_is_out_at_the_other(client: Client) -> None:
    env = client.servers[0].env
    for name in ("ada", "bob"):
        made = gatehouse("admin", "create", f"{name}@x.org", "--account", client.account, env=env)
    cookies = _sign_in(made["link"])
    (bob,) = client.scim(1, "GET", '/Users?filter=userName eq "bob@x.org"').json()["Resources"]
    assert _sessions(client, cookies) == [200, 200]
    off = {"op": "replace", "path": "active", "value": False}
    body = {"schemas": [PATCH], "Operations": [off]}
    assert client.scim(0, "PATCH", f"/Users/{bob['id']}", json=body).ok
    assert _sessions(client, cookies) == [401, 401]


def test_a_token_that_is_revoked_at_one_is_refused_at_the_other(client: Client) -> None:
    reads = ("GET", "/Users?count=0")
    assert [client.scim(each, *reads).status_code for each in (0, 1)] == [200, 200]
    gatehouse("token", "revoke", client.account, "pair", env=client.servers[0].env)
    assert [client.scim(each, *reads).status_code for each in (1, 0)] == [401, 401]


def _sessions(client: Client, cookies: Any) -> list[int]:
    """Ask both whether the session can be used, the one that was not told first."""
    urls = [f"{server.url}/api/session" for server in reversed(client.servers)]
    return [requests.get(each, cookies=cookies, timeout=TIMEOUT).status_code for each in urls]


def test_of_fifty_who_add_the_same_person_one_does(client: Client) -> None:
    body = {"schemas": [USER], "userName": "ada"}

    def add(number: int) -> int:
        return client.scim(number % 2, "POST", "/Users", json=body).status_code

    with ThreadPoolExecutor(RACERS) as pool:
        assert Counter(pool.map(add, range(RACERS))) == {201: 1, 409: RACERS - 1}
    assert client.scim(1, "GET", "/Users?count=0").json()["totalResults"] == 1


def test_a_limit_is_that_of_both_together(client: Client) -> None:
    """Half of it here, half of it there; then nothing more at either."""
    sessions = [requests.Session(), requests.Session()]

    def ask(process: int) -> int:
        sessions[process].headers["Authorization"] = f"Bearer {client.token}"
        url = f"{client.servers[process].url}/scim/v2/Users?count=0"
        return sessions[process].get(url, timeout=TIMEOUT).status_code

    begun = time.monotonic()
    let_through = Counter(ask(number % 2) for number in range(LIMIT * 4 // 5))
    assert let_through == {200: LIMIT * 4 // 5}
    refused = [_until_refused(lambda each=each: ask(each)) for each in (0, 1)]
    if time.monotonic() - begun < MINUTE:  # Else some of it was in the next one.
        assert sum(refused) <= LIMIT // 5 + BEYOND


def _until_refused(ask: Callable[[], int]) -> int:
    for number in range(LIMIT * 2):
        if ask() == 429:
            return number
        time.sleep(0.02)
    raise AssertionError("Nothing is refused.")


def test_each_job_is_done_by_one_at_a_time(client: Client) -> None:
    def run(server: Server) -> list[str]:
        return list(gatehouse("jobs", "run", env=server.env)["done"])

    with ThreadPoolExecutor(4) as pool:
        done = [job for jobs in pool.map(run, client.servers * 2) for job in jobs]
    assert len(done) == len(set(done))
    jobs = gatehouse("jobs", "list", env=client.servers[0].env)["jobs"]
    assert {each["name"] for each in jobs} >= set(done)
    assert not any(each["problem"] for each in jobs)


def _sign_in(link: str) -> requests.cookies.RequestsCookieJar:
    browser = requests.Session()
    (form,) = html.document_fromstring(browser.get(link, timeout=TIMEOUT).text).forms
    browser.post(link, data=dict(form.form_values()), timeout=TIMEOUT)
    return browser.cookies
