"""``gatehouse serve`` as people start it: a process of its own, on an embedded database."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.server import children_of, free_port

GATEHOUSE = str(Path(sys.executable).with_name("gatehouse"))
READY_SECONDS = 15
"""Bound of the wait, not a measurement: a loaded machine starts slowly."""


def environment(folder, **more):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE_")}
    return clean | {"GATEHOUSE_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"} | more


@contextmanager
def serving(folder, port, *, log=subprocess.DEVNULL, **settings):
    """Start the server, wait until it answers, and yield the process."""
    command = [GATEHOUSE, "serve", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env=environment(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,  # The server has a worker process: both are of one group.
    )
    try:
        wait_for(process, port)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(process, port):
    """Return when the server answers."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)


def worker_of(process):
    """The id of the process that serves, as soon as there is one."""
    deadline = time.monotonic() + READY_SECONDS
    while not (found := children_of(process.pid)):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    return found[0]


def stop(process, by=signal.SIGTERM):
    """Ask the server to stop and return what it printed and its exit code."""
    process.send_signal(by)
    printed, _ = process.communicate(timeout=20)
    with pytest.raises(ProcessLookupError):  # No child is left.
        os.killpg(process.pid, 0)
    return printed, process.returncode


def test_the_first_run_shows_a_link_and_a_token_once(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(tmp_path, port) as process:
        printed, code = stop(process)
    assert code == 0
    token = re.search(r"^  (gh_\S+)$", printed, re.MULTILINE)[1]
    assert re.search(rf"^  {url}/sign-in/link/\S+$", printed, re.MULTILINE)
    with serving(tmp_path, port) as process:
        answer = requests.get(
            f"{url}/scim/v2/Users", headers={"Authorization": f"Bearer {token}"}, timeout=5
        )
        assert answer.json()["totalResults"] == 1
        printed, code = stop(process, by=signal.SIGINT)
    assert code == 0
    assert "gh_" not in printed and "/sign-in/link/" not in printed
    assert f"{url}/scim/v2" in printed
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def request_in_parts(port, token, name):
    """Send half of a request that adds a user; return the connection and the other half."""
    body = json.dumps(
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}
    ).encode()
    head = (
        f"POST /scim/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(head + body[:10])
    return connection, body[10:]


def first_token(folder):
    """The token of a server's first run, which this makes."""
    return gatehouse(folder, "token", "create", "Main", "--name", "Okta")["token"]


def gatehouse(folder, *arguments):
    """Run a command, and return its JSON object."""
    result = subprocess.run(
        [GATEHOUSE, *arguments, "--json"],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=30,
    )
    return json.loads(result.stdout)


def test_a_request_in_flight_is_answered_before_it_stops(tmp_path):
    port = free_port()
    with serving(tmp_path, port) as process:
        connection, rest = request_in_parts(port, first_token(tmp_path), "late@example.com")
        with connection:
            time.sleep(0.5)  # It waits for the rest by now.
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            with pytest.raises(OSError):  # Nobody new is let in.
                socket.create_connection(("127.0.0.1", port), timeout=5)
            assert process.poll() is None
            connection.sendall(rest)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201 ") and b"late@example.com" in answer
        assert process.wait(20) == 0
    with sqlite3.connect(tmp_path / "gatehouse.sqlite3") as database:
        (count,) = database.execute(
            "SELECT count(*) FROM users WHERE user_name = 'late@example.com'"
        ).fetchone()
    assert count == 1


def test_a_request_that_never_ends_holds_it_up_so_long_and_no_longer(tmp_path):
    port = free_port()
    with serving(tmp_path, port, GATEHOUSE_STOP_SECONDS="1") as process:
        connection, _ = request_in_parts(port, first_token(tmp_path), "never@example.com")
        with connection:
            time.sleep(0.5)
            began = time.monotonic()
            stop(process)
            assert time.monotonic() - began < 10


def test_a_receiver_that_waits_for_events_does_not_hold_it_up(tmp_path):
    port = free_port()
    with serving(tmp_path, port) as process, ThreadPoolExecutor() as threads:
        made = gatehouse(tmp_path, "stream", "add", "Main", "--name", "media")
        url = f"http://127.0.0.1:{port}/events/{made['id']}/poll"

        def poll(**asked):
            headers = {"Authorization": f"Bearer {made['secret']}"}
            return requests.post(url, json=asked, headers=headers, timeout=20).json()["sets"]

        waiting = threads.submit(poll, ack=list(poll()))
        time.sleep(1)
        began = time.monotonic()
        _, code = stop(process)
        assert (code, waiting.result(5)) == (0, {})
        assert time.monotonic() - began < 8  # Otherwise it would be 14 s.


def test_who_serves_is_replaced_when_killed(tmp_path):
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as lines, serving(tmp_path, port, log=lines) as process:
        os.kill(worker_of(process), signal.SIGKILL)
        wait_for(process, port)
        printed, code = stop(process)
    assert code == 0 and "worker" not in printed
    said = [json.loads(line) for line in log.read_text().splitlines()]
    (death,) = (each for each in said if each["level"] == "error")
    assert death["event"].endswith("worker-1: SIGKILL")


def test_whose_every_successor_is_killed_at_once_ends_with_a_fault(tmp_path):
    with serving(tmp_path, free_port()) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None:
            assert time.monotonic() < deadline
            with suppress(ProcessLookupError):
                for each in children_of(process.pid):
                    os.kill(each, signal.SIGKILL)
            time.sleep(0.01)
        assert process.returncode == 1


def test_nobody_takes_its_place_with_another_key(tmp_path):
    port, log = free_port(), tmp_path / "log"
    with log.open("w") as lines, serving(tmp_path / "data", port, log=lines) as process:
        gatehouse(tmp_path / "data", "jobs", "run")  # which seals the audit log
        (tmp_path / "data" / "secret_key").write_text("another key of 32 characters, or more")
        os.kill(worker_of(process), signal.SIGKILL)
        while process.poll() is None:
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30)
        assert process.returncode == 1
    said = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert any("GATEHOUSE_SECRET_KEY is not the key" in each for each in said)
    assert not any("Traceback" in each for each in said)


def test_who_serves_ends_when_the_one_that_started_it_is_killed(tmp_path):
    port = free_port()
    with serving(tmp_path, port) as process:
        connection, rest = request_in_parts(port, first_token(tmp_path), "late@example.com")
        with connection:
            time.sleep(0.5)  # It waits for the rest by now.
            process.kill()
            wait_until_closed(port)
            connection.sendall(rest)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201 ")
        wait_until_gone(process)


def test_a_request_that_never_ends_does_not_keep_it_without_that_one(tmp_path):
    port = free_port()
    with serving(tmp_path, port, GATEHOUSE_STOP_SECONDS="1") as process:
        connection, _ = request_in_parts(port, first_token(tmp_path), "never@example.com")
        with connection:
            time.sleep(0.5)
            process.kill()
            wait_until_gone(process)


def wait_until_closed(port):
    """Return when nobody listens there any more."""
    deadline = time.monotonic() + READY_SECONDS
    with suppress(OSError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            time.sleep(0.05)
        pytest.fail("somebody listens there still")


def wait_until_gone(process):
    """Return when there is no process of the server any more."""
    process.wait(READY_SECONDS)
    deadline = time.monotonic() + READY_SECONDS
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        pytest.fail("a process of it is there still")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_while_it_starts(tmp_path, by):
    command = [GATEHOUSE, "serve", "--port", str(free_port())]
    process = subprocess.Popen(
        command,
        env=environment(tmp_path, GATEHOUSE_STOP_SECONDS="30"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    worker_of(process)
    began = time.monotonic()
    assert stop(process, by)[1] == 0
    assert time.monotonic() - began < 10


def test_a_signal_ends_who_has_only_just_begun():
    script = """
import os, signal, time
from app.cli.commands.server import tell_who_starts
signal.signal(signal.SIGTERM, print)
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
tell_who_starts()
if os.fork():
    print(os.waitstatus_to_exitcode(os.wait()[1]), signal.pthread_sigmask(signal.SIG_BLOCK, []))
else:
    time.sleep(5)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == f"{-signal.SIGTERM} set()\n"


def test_a_port_in_use_ends_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        result = subprocess.run(
            [GATEHOUSE, "serve", "--port", port],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1 and port in result.stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"GATEHOUSE_PUBLIC_URL": "https://gatehouse.example.com"}, "GATEHOUSE_SECRET_KEY"),
        ({"GATEHOUSE_THREADS": "many"}, "GATEHOUSE_THREADS"),
        ({"GATEHOUSE_SECRET_KEY": "x" * 40, "GATEHOUSE_DATABASE_URL": "nothing"}, "DATABASE_URL"),
        (
            {"GATEHOUSE_SECRET_KEY": "x" * 40, "GATEHOUSE_DATABASE_URL": "sqlite:////no/where.db"},
            "database",
        ),
        (
            {"GATEHOUSE_SECRET_KEY": "x" * 40, "GATEHOUSE_DATABASE_URL": "sqlite://"},
            "gatehouse db upgrade",
        ),
    ],
)
def test_a_bad_setting_ends_in_one_line(tmp_path, variables, says):
    result = subprocess.run(
        [GATEHOUSE, "serve", "--port", str(free_port())],
        env=environment(tmp_path, **variables),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_help_is_whole():
    result = subprocess.run([GATEHOUSE, "--help"], capture_output=True, text=True, timeout=10)
    for command in (
        *("serve", "db", "account", "admin", "token"),
        *("connection", "mapping", "folder", "grant", "check", "demo"),
        *("schema", "log"),
    ):
        assert f"\n  {command} " in result.stdout


def test_help_is_quick_since_it_loads_nothing_heavy():
    script = (
        "import sys, app.factory, app.cli; print([m for m in ('flask', 'sqlalchemy', 'structlog', "
        "'scim', 'saml', 'rich') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "[]\n"
