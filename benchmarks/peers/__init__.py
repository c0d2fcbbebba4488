"""The servers that the HTTP benchmark measures beside ours: what they are and how they start.

    with running(SCIMMY) as peer:
        ask = peer.cases.get_user(peer.users[0])

A peer without node or npm, or that does not start, raises PeerMissing.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from benchmarks.peers import npm
from benchmarks.peers.cases import Ask, Cases, Hello, Scim, ScimWithoutMembers
from benchmarks.peers.npm import PeerMissing

__all__ = [
    "HELLO",
    "PEERS",
    "POLIS",
    "SCIM2_SERVER",
    "SCIMMY",
    "Ask",
    "Peer",
    "PeerMissing",
    "Running",
    "running",
]

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")
SECONDS = 180
"""The time a peer has to fill its store and answer."""


@dataclass(frozen=True)
class Peer:
    name: str
    packages: dict[str, str]
    """What it is made of, and each one's version."""
    stores_in: str
    users: int
    """How many it starts with; all are in the large group, the first ten in the small one."""
    command: Callable[[], list[str]]
    """What starts it; where it listens and what it holds it reads from PEER_* variables."""
    cases: type[Cases]


@dataclass(frozen=True)
class Running:
    """A peer that answers on 127.0.0.1, and the ids it gave to some of what it holds."""

    peer: Peer
    port: int
    pid: int
    """The process that leads its group."""
    cases: Cases
    headers: dict[str, str]
    users: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """The userName of each of `users`."""
    large_group: str = ""
    small_group: str = ""


def _granian(target: str) -> list[str]:
    """As `gatehouse serve` does it: one process, four requests at a time."""
    command = f"{sys.executable} -m granian --interface wsgi --workers 1 --blocking-threads 4"
    return [*command.split(" "), "--no-ws", "--log-level", "warning", "--factory", target]


def _installed(*names: str) -> dict[str, str]:
    return {name: version(name) for name in names}


HELLO = Peer(
    name="Flask hello",
    packages=_installed("flask", "granian"),
    stores_in="nothing",
    users=0,
    command=lambda: _granian("benchmarks.peers.hello:create"),
    cases=Hello,
)
SCIM2_SERVER = Peer(
    name="scim2-server",
    packages=_installed("scim2-server", "scim2-models", "granian"),
    stores_in="memory",
    users=10_000,
    command=lambda: _granian("benchmarks.peers.scim2:create"),
    cases=Scim,
)
SCIMMY = Peer(
    name="SCIMMY",
    packages=npm.versions("scimmy"),
    stores_in="SQLite (WAL, synchronous=FULL)",
    users=10_000,
    command=lambda: npm.server("scimmy"),
    cases=Scim,
)
POLIS = Peer(
    name="Polis",
    packages=npm.versions("jackson"),
    stores_in="SQLite (rollback journal, synchronous=FULL)",
    users=10_000,
    command=lambda: npm.server("jackson"),
    cases=ScimWithoutMembers,
)
PEERS = (HELLO, SCIM2_SERVER, SCIMMY, POLIS)


@contextmanager
def running(peer: Peer, users: int | None = None) -> Iterator[Running]:
    """Start the peer with that many users (its own number if none), and kill its group after.

    Raises PeerMissing when it does not answer within SECONDS. A program that is to end its peers
    also when it is told to terminate turns SIGTERM into SystemExit.
    """
    command = peer.command()
    port = _free_port()
    with (
        TemporaryDirectory(prefix="peer-") as folder,
        (Path(folder) / "stdout").open("w") as output,
        (Path(folder) / "stderr").open("w") as errors,
    ):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(port, peer.users if users is None else users, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            yield _ready(peer, port, process, Path(output.name))
        except PeerMissing as error:
            said = Path(errors.name).read_text()[-500:].strip()
            raise PeerMissing(f"{error}: {said}") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(port: int, users: int, folder: str) -> dict[str, str]:
    ours = {"GRANIAN_HOST": "127.0.0.1", "GRANIAN_PORT": str(port), "PYTHONPATH": str(ROOT)}
    peers = {"PEER_PORT": str(port), "PEER_USERS": str(users), "PEER_FOLDER": folder}
    return os.environ | ours | peers | {"NODE_ENV": "production", "DO_NOT_TRACK": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ready(peer: Peer, port: int, process: subprocess.Popen[bytes], output: Path) -> Running:
    """Wait for the line of JSON that names what the peer holds, then for its first answer."""
    deadline = time.monotonic() + SECONDS
    told = _wait(process, deadline, lambda: _told(output))
    headers = {"Content-Type": "application/scim+json", "Accept": "application/scim+json"}
    if token := told.pop("token", None):
        headers["Authorization"] = f"Bearer {token}"
    cases = peer.cases(told.pop("base"))
    found = Running(peer, port, process.pid, cases, headers, **told)
    assert cases.get_user
    first = cases.get_user(next(iter(found.users), ""))
    status = _wait(process, deadline, lambda: _status(port, first, headers))
    if status != 200:
        raise PeerMissing(f"it answers {status}")
    return found


def _wait(process: subprocess.Popen[bytes], deadline: float, ask: Callable[[], T | None]) -> T:
    while time.monotonic() < deadline and process.poll() is None:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.05)
    raise PeerMissing("it does not start")


def _told(output: Path) -> dict[str, Any] | None:
    """What the peer's line of JSON says, once it is there whole."""
    for line in output.read_text().splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            told: dict[str, Any] = json.loads(line)
            return told
    return None


def _status(port: int, ask: Ask, headers: dict[str, str]) -> int | None:
    """The status it answers with, None while nothing listens there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(ask.method, ask.path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
