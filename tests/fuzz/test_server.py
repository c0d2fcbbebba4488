"""What the server itself refuses before any of our code runs: long heads of requests."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.e2e.server import running_server

LONGEST_TARGET = 65_534
MOST_HEADERS = 100
MOST_OF_A_HEAD = 417_792
"""In bytes, when it has not ended by then; one that ends within the next read is taken as well."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server("", tmp_path_factory.mktemp("limits")) as server:
        yield server


def status(server, target: str = "/healthz", **headers: str) -> int:
    """Send a head as it stands, and return the status of the answer."""
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return answer_to(server, "\r\n".join([*lines, "", ""]))


def answer_to(server, sent: str) -> int:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(sent.encode())
        return int(connection.recv(64).split()[1])


def test_the_length_of_an_address(server):
    for length, expected in ((LONGEST_TARGET, 200), (LONGEST_TARGET + 1, 414)):
        assert status(server, "/healthz?".ljust(length, "x")) == expected


def test_the_number_of_headers(server):
    for number, expected in ((MOST_HEADERS, 200), (MOST_HEADERS + 1, 431)):
        assert status(server, **{f"X{each}": "a" for each in range(number - 2)}) == expected


def test_the_length_of_headers(server):
    assert status(server, X="x" * 400_000) == 200
    assert answer_to(server, "GET /healthz HTTP/1.1\r\nX: ".ljust(MOST_OF_A_HEAD, "x")) == 431
    assert status(server) == 200
