"""Two PostgreSQL servers that Patroni runs, and HAProxy before them, as docs/deploy has them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.e2e.server import free_port
from tests.postgres import programs

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
SERVERS = ("pg1", "pg2")
START_SECONDS = 90
"""A bound, not a measurement."""
MISSING = [each for each in ("etcd", "patroni", "haproxy") if not shutil.which(each)]


@dataclass(frozen=True)
class Member:
    """One of the servers."""

    name: str
    folder: Path
    port: int
    patroni_port: int
    patroni: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Of the database, past HAProxy."""
        return url_at(self.port)

    def is_(self, role: str) -> bool:
        """Tell whether it is ``primary``, or ``synchronous``: the stand-by commits wait for."""
        with suppress(requests.RequestException):
            url = f"http://127.0.0.1:{self.patroni_port}/{role}"
            return requests.get(url, timeout=5).status_code == 200
        return False

    def hand_over(self) -> None:
        """Let the other one lead, as before maintenance; return when it does."""
        url = f"http://127.0.0.1:{self.patroni_port}/switchover"
        requests.post(url, json={"leader": self.name}, timeout=60).raise_for_status()

    def kill(self) -> None:
        """End all that runs there at once (SIGKILL), as when the machine is gone."""
        if self.patroni.poll() is None:
            os.killpg(self.patroni.pid, signal.SIGKILL)
            self.patroni.wait(10)
        running = self.folder / "data" / "postmaster.pid"
        with suppress(FileNotFoundError, ProcessLookupError):
            os.killpg(int(running.read_text().split()[0]), signal.SIGKILL)
            running.unlink()  # Its number may be that of others from now on.


@dataclass(frozen=True)
class Cluster:
    """The servers, and the URL of the one that leads."""

    url: str
    members: list[Member]

    def wait_for(self, role: str) -> Member:
        """Return the server that has a role, as soon as one does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            for each in self.members:
                if each.is_(role):
                    return each
            alive = any(each.patroni.poll() is None for each in self.members)
            assert alive and time.monotonic() < deadline, self.said()
            time.sleep(0.2)

    def said(self) -> str:
        """Return the end of what each Patroni logged."""
        logs = (each.folder / "log" for each in self.members)
        return "\n".join(each.read_text()[-2000:] for each in logs)


def url_at(port: int) -> str:
    return f"postgresql+psycopg://postgres:first-secret@127.0.0.1:{port}/postgres"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start etcd, two servers, of which one follows the other, and HAProxy."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-cluster-"))
    _give(folder)
    ports = {each: (free_port(), free_port()) for each in SERVERS}
    port = free_port()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        etcd = stack.enter_context(_etcd(folder))
        members = []
        cluster = Cluster(url_at(port), members)
        for name in SERVERS:
            member = _member(folder, name, *ports[name], etcd)
            stack.callback(member.kill)
            members.append(member)
            cluster.wait_for("primary")  # the first one
        cluster.wait_for("synchronous")
        stack.enter_context(_haproxy(folder, port, ports))
        yield cluster


@contextmanager
def _etcd(folder: Path) -> Iterator[str]:
    client, peer = (f"127.0.0.1:{free_port()}" for _ in range(2))
    at = f"http://{peer}"
    command = ["etcd", "--data-dir", folder / "etcd", "--initial-cluster", f"default={at}"]
    command += ["--listen-peer-urls", at, "--initial-advertise-peer-urls", at]
    command += [f"--{each}-client-urls=http://{client}" for each in ("listen", "advertise")]
    with _running(command, folder / "etcd.log"):
        yield client


def _member(folder: Path, name: str, port: int, patroni_port: int, etcd: str) -> Member:
    own = folder / name
    own.mkdir()
    ours = (
        (r"name: pg1", f"name: {name}"),
        (r"10\.0\.0\.31:2379.*\]", f"'{etcd}']"),
        (r"10\.0\.0\.21:8008", f"127.0.0.1:{patroni_port}"),
        (r"10\.0\.0\.21:5432", f"127.0.0.1:{port}"),
        (r"/var/lib/postgresql/gatehouse", str(own / "data")),
        (r"/usr/lib/postgresql/15/bin", str(programs())),
        (r"10\.0\.0\.0/24", "127.0.0.0/8"),
        (r"max_connections", "unix_socket_directories: ''\n        max_connections"),
    )
    (own / "patroni.yml").write_text(_changed("patroni.yml", ours))
    _give(own)
    with (own / "log").open("w") as log:
        process = subprocess.Popen(
            [*_as_postgres(), "patroni", own / "patroni.yml"],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=own,
            env=os.environ | {"HOME": str(own)},
        )
    return Member(name, own, port, patroni_port, process)


@contextmanager
def _haproxy(folder: Path, port: int, ports: dict[str, tuple[int, int]]) -> Iterator[None]:
    ours = [(r"10\.0\.0\.20:5432", f"127.0.0.1:{port}"), (r"port 8008 ", "")]
    for name, (its, patroni_port) in ports.items():
        ours.append((rf"{name} 10\.0\.0\.2.:5432", f"{name} 127.0.0.1:{its} port {patroni_port}"))
    path = folder / "haproxy.cfg"
    path.write_text(_changed("haproxy.cfg", ours))
    with _running(["haproxy", "-f", path], folder / "haproxy.log"):
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            assert time.monotonic() < deadline, (folder / "haproxy.log").read_text()
            time.sleep(0.1)
        yield


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


@contextmanager
def _running(command: list[str | Path], log: Path) -> Iterator[None]:
    with log.open("w") as lines:
        process = subprocess.Popen(command, stdout=lines, stderr=subprocess.STDOUT, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _changed(name: str, ours: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    """Return what docs have, with our addresses in the place of theirs."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for there, here in ours:
        text, found = re.subn(there, here, text)
        assert found, there
    return text


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _give(folder: Path) -> None:
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
