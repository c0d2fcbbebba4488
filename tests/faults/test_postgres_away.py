"""PostgreSQL stopped and started again while people write: they are told to wait, and go on."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.e2e.server import Server, running_server
from tests.faults.conftest import fresh
from tests.faults.load import TRUSTS_US, load, token_of
from tests.faults.truth import compare
from tests.postgres import Postgres

WRITES = 60
"""At least as many are acknowledged before PostgreSQL is stopped, and after it is back."""
REFUSED = 20
"""At least as many are told to come again while it is away."""
LONGEST = 20.0
"""How long an answer may take on a busy machine, in seconds; here nothing has to be waited for."""
PATHS = ("/readyz", "/scim/v2/Users", "/api/v1/users", "/", "/api/session", "/saml/x/login")


def test_clients_are_told_to_wait_and_nothing_is_restarted(
    lasting_postgres: Postgres, tmp_path: Path
) -> None:
    url = fresh(lasting_postgres)
    with running_server(url, tmp_path, **TRUSTS_US) as server:
        token = token_of(server)
        with load([server.url], token) as writers:
            writers.wait_for(WRITES)
            lasting_postgres.stop()
            try:
                writers.wait_for_failures(503, REFUSED)
                answered = {path: _status(server, path, token) for path in PATHS}
                assert answered == dict.fromkeys(PATHS, 503)
                assert requests.get(f"{server.url}/healthz", timeout=LONGEST).status_code == 200
            finally:
                lasting_postgres.start()
            writers.wait_for(WRITES)
        assert server.process.poll() is None
        assert _status(server, "/readyz", token) == 200
    assert set(writers.ledger.statuses) <= {200, 201, 204, 409, 503}, server.log.read_text()[-4000:]
    assert writers.ledger.problems == set()
    assert writers.ledger.slowest < LONGEST
    assert compare(url, writers.ledger)["lost"] == 0


def _status(server: Server, path: str, token: str) -> int:
    answer = requests.get(
        f"{server.url}{path}",
        headers={"Authorization": f"Bearer {token}"},
        cookies={"gatehouse": "a-session"},
        timeout=LONGEST,
        allow_redirects=False,
    )
    if answer.status_code == 503 and path != "/readyz":
        assert answer.headers["Retry-After"].isdigit()
    return answer.status_code
