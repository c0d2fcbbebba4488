"""A clock that jumps hours ahead and hours back: nobody gets in by it, nobody is locked out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from lxml import html
from sqlalchemy import select

from app.directory import audit_chain
from app.store.database import close_database, db
from app.store.models import AuditEvent
from tests.conftest import make_app
from tests.e2e.server import Server, gatehouse, running_server
from tests.faults.load import USER

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
HOURS = 5
TIMEOUT = 30
LIMIT = 30
"""SCIM requests a minute."""
A_TURN = timedelta(minutes=1)
"""How often the log is sealed."""
JUMPS = ((HOURS, 401), (0, 200), (-HOURS, 200))
"""Hours of the clock beside the real time, one after the other; and what is answered to who signed
in at the real one: five hours later nobody is who has done nothing since."""


@dataclass(frozen=True)
class Clock:
    """What processes take for the time, as an offset of the real one (libfaketime)."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # As on a machine whose clock is set.
        }

    def jump(self, hours: int) -> None:
        """Set the clock so many hours ahead of the real one, or behind it."""
        self.file.write_text(f"{hours:+d}h\n")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed (Debian: scripts/install-test-packages.sh).")
    found = Clock(tmp_path / "clock")
    found.jump(0)
    return found


@pytest.fixture
def server(lasting_url: str, tmp_path: Path, clock: Clock) -> Iterator[Server]:
    few = {"GATEHOUSE_SCIM_REQUESTS_PER_MINUTE": str(LIMIT)}
    with running_server(lasting_url, tmp_path, **clock.environment, **few) as server:
        gatehouse("account", "create", "Acme", env=server.env)
        yield server


def test_a_clock_that_jumps(server: Server, clock: Clock) -> None:
    lasting, revoked, looping = (_token(server, each) for each in ("a", "revoked", "looping"))
    link = _link(server, "ada")
    ada, eve = _sign_in(link), _sign_in(_link(server, "eve"))
    gatehouse("token", "revoke", "Acme", "revoked", env=server.env)
    _sign_out(server, eve)

    for hours, ada_is in JUMPS:
        clock.jump(hours)
        # What ends with time has ended when it has; what somebody ended stays so.
        assert (_status(server, ada), _status(server, eve)) == (ada_is, 401)
        assert _add(server, revoked, "x") == 401
        assert _status(server, _sign_in(link)) == 401  # It was used.
        # Nobody is locked out, not even by a limit that was reached at another time.
        assert _add(server, lasting, f"at {hours}") == 201
        asked = [_add(server, looping, "ada@x.org") for _ in range(LIMIT + 5)]
        assert (asked[0], asked[-1]) == (409, 429)
        # What is due is done, and is due again in its time.
        assert _due_in(server, hours) <= 2 * A_TURN

    log = gatehouse("audit", "verify", "Acme", env=server.env)["accounts"][0]
    assert log["findings"] == []
    assert _in_order_of_the_chain(server.database_url) == [f"at {hours}" for hours, _ in JUMPS]


def _token(server: Server, name: str) -> str:
    """Return a token with a connection of its own, for which requests are counted."""
    options = ("--name", name, "--connection", name)
    return str(gatehouse("token", "create", "Acme", *options, env=server.env)["token"])


def _link(server: Server, name: str) -> str:
    made = gatehouse("admin", "create", f"{name}@x.org", "--account", "Acme", env=server.env)
    return str(made["link"])


def _sign_in(link: str) -> requests.Session:
    browser = requests.Session()
    (form,) = html.document_fromstring(browser.get(link, timeout=TIMEOUT).text).forms
    browser.post(link, data=dict(form.form_values()), timeout=TIMEOUT)
    return browser


def _sign_out(server: Server, browser: requests.Session) -> None:
    page = browser.get(f"{server.url}/sign-in/link/x", timeout=TIMEOUT)
    (form,) = html.document_fromstring(page.text).forms
    token = {"csrf_token": dict(form.form_values())["csrf_token"]}
    cookies = browser.cookies.copy()
    browser.post(f"{server.url}/sign-out", data=token, timeout=TIMEOUT)
    browser.cookies = cookies  # Somebody kept them.


def _status(server: Server, browser: requests.Session) -> int:
    cookies = browser.cookies.copy()
    answer = browser.get(f"{server.url}/api/session", timeout=TIMEOUT)
    browser.cookies = cookies
    return answer.status_code


def _add(server: Server, token: str, name: str) -> int:
    return requests.post(
        f"{server.url}/scim/v2/Users",
        json={"schemas": [USER], "userName": name},
        headers={"Authorization": f"Bearer {token}"},
        timeout=TIMEOUT,
    ).status_code


def _due_in(server: Server, hours: int) -> timedelta:
    """Do what is due, and return in how long sealing is due again."""
    gatehouse("jobs", "run", env=server.env)
    jobs = gatehouse("jobs", "list", env=server.env)["jobs"]
    due_at = next(each["due_at"] for each in jobs if each["name"] == "audit seal")
    return datetime.fromisoformat(due_at) - datetime.now(UTC) - timedelta(hours=hours)


def _in_order_of_the_chain(url: str) -> list[str]:
    """Return the people who were added over SCIM, sealed anew where the last ones are not yet."""
    with make_app(url).app_context():
        audit_chain.seal_all()
        query = select(AuditEvent.target_name).where(
            AuditEvent.action == "user.created", AuditEvent.surface == "scim"
        )
        found = db.session.scalars(query.order_by(AuditEvent.sequence)).all()
        close_database()
    return list(found)
