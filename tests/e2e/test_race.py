"""Two server processes on one database race to create the same user: one wins, always."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.e2e.server import gatehouse, running_server

ROUNDS = 200
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.fixture
def two_servers(database_url, tmp_path):
    with (
        running_server(database_url, tmp_path / "one") as first,
        running_server(database_url, tmp_path / "two") as second,
    ):
        yield first, second


def test_one_of_two_wins_every_time(two_servers):
    first, second = two_servers
    gatehouse("account", "create", "Acme", env=first.env)
    issued = gatehouse("token", "create", "Acme", "--name", "race", env=first.env)
    sessions = []
    for _ in two_servers:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {issued['token']}"
        sessions.append(session)

    def create(number: int, index: int) -> int:
        body = {"schemas": [USER], "userName": ("user" if index else "USER") + str(number)}
        url = f"{two_servers[index].url}/scim/v2/Users"
        return sessions[index].post(url, json=body, timeout=30).status_code

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            outcomes = pool.map(create, [number, number], [0, 1])
            assert sorted(outcomes) == [201, 409]
    listed = sessions[0].get(f"{second.url}/scim/v2/Users", params={"count": 0}, timeout=30)
    assert listed.json()["totalResults"] == ROUNDS
