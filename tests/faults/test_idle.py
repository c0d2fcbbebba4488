"""A server that nobody asks for a while ends threads it does not need, and nothing else."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.e2e.server import STOP_SECONDS, Server, children_of, running_server
from tests.faults.load import token_of

AT_ONCE = 4
THREAD_IDLE_SECONDS = 30
"""Granian ends a thread that has had nothing to do for so long."""


def test_its_threads_end_and_it_goes_on(lasting_url: str, tmp_path: Path) -> None:
    with running_server(lasting_url, tmp_path) as server:
        token, (worker,) = token_of(server), children_of(server.process.pid)
        read_at_once(server, token)
        busy = threads_of(worker)
        deadline = time.monotonic() + 3 * THREAD_IDLE_SECONDS
        while threads_of(worker) >= busy:
            assert time.monotonic() < deadline, "no thread has ended: this test has seen nothing"
            time.sleep(1)
        time.sleep(5)  # One after the other ends.
        assert children_of(server.process.pid) == [worker], server.log.read_text()
        read_at_once(server, token)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(STOP_SECONDS) == 0
        assert "Unexpected" not in server.log.read_text()


def read_at_once(server: Server, token: str) -> None:
    """Ask for the users as often at once as it takes to keep several threads busy."""

    def read(_: int) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{server.url}/scim/v2/Users", headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(AT_ONCE) as several:
        assert set(several.map(read, range(10 * AT_ONCE))) == {200}


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))
