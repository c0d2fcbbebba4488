"""Gatehouse as its users run it: the command, and a server process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

GATEHOUSE = Path(sys.executable).with_name("gatehouse")
START_SECONDS = 90
"""A bound, not a measurement: a busy machine starts slowly."""
STOP_SECONDS = 15
CRASHED = "Fatal Python error"
"""What a process says that ends by a fault, while it stops too, where nobody else would see it."""
LOG_TAIL = 4000
"""How much of the server's log a failure to start shows, in characters."""


@dataclass(frozen=True)
class Server:
    """A running Gatehouse.

    ``url`` has no slash at its end; ``env`` is for the command, so that it reaches the same
    database; ``log`` is what the server printed so far.
    """

    url: str
    database_url: str
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once (SIGKILL), its worker too: it has no time to put anything in order."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=STOP_SECONDS)


def gatehouse(*arguments: str, env: dict[str, str]) -> dict[str, Any]:
    """Run a command of ``gatehouse`` that knows ``--json``, and return its JSON object.

    :raises AssertionError: When it fails; the message holds its output.
    """
    run = subprocess.run(
        [GATEHOUSE, *arguments, "--json"], env=env, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, f"gatehouse {' '.join(arguments)}: {run.stdout}{run.stderr}"
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


@contextmanager
def running_server(
    database_url: str, data_dir: Path, *, public_url: str = "", port: int = 0, **settings: str
) -> Iterator[Server]:
    """Start ``gatehouse serve`` on a port of 127.0.0.1, and stop it at the end.

    :param database_url: A migrated database; empty for the embedded one in ``data_dir``.
    :param public_url: The address people use, as of the proxy before several, with ``{port}`` for
        the port; empty: its own.
    :param port: 0: a free one.
    :param settings: More environment variables.
    :raises RuntimeError: When it does not answer in time; the message holds its output.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    people_use = public_url.format(port=port) or url
    env = _environment(database_url, data_dir, port, people_use) | settings
    log = data_dir / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [GATEHOUSE, "serve"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(url, database_url, env, log, process)
    try:
        _wait_for(server)
        yield server
    finally:
        _stop(process)
    printed = log.read_text(encoding="utf-8", errors="replace")
    assert CRASHED not in printed, printed[printed.index(CRASHED) :]


def _environment(database_url: str, data_dir: Path, port: int, url: str) -> dict[str, str]:
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE_")
    }
    return inherited | {
        "GATEHOUSE_DATA_DIR": str(data_dir),
        "GATEHOUSE_DATABASE_URL": database_url,
        "GATEHOUSE_SECRET_KEY": "a key for tests alone, 32 characters and more",
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_PUBLIC_URL": url,
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }


def _wait_for(server: Server) -> None:
    """Return as soon as the server answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            requests.get(f"{server.url}/scim/v2/ServiceProviderConfig", timeout=5)
            return
        time.sleep(0.05)
    printed = server.log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
    raise RuntimeError(f"Gatehouse does not start:\n{printed}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop; a worker that stays is ended with its whole process group."""
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=STOP_SECONDS)


def children_of(pid: int) -> list[int]:
    """Return the processes that one has begun, such as the one that serves."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
