"""The peers of the HTTP benchmark start, do what they are asked, and end.

Those that come from npm are not installed where the tests run; `look_at` is right for them too.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.peers import npm
from benchmarks.peers.cases import Ask


class Client:
    def __init__(self, peer: peers.Running) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=10)
        self.headers = peer.headers

    def __call__(self, ask: Ask, status: int = 200) -> Any:
        body = None if ask.body is None else json.dumps(ask.body)
        self.connection.request(ask.method, ask.path, body, self.headers)
        response = self.connection.getresponse()
        text = response.read()
        assert response.status in (status, 204), (ask, response.status, text)
        return json.loads(text) if text else None


def look_at(peer: peers.Running) -> None:
    """Every case of a peer that speaks SCIM has the effect it is measured for."""
    ask, cases = Client(peer), peer.cases
    user, name = peer.users[7], peer.names[7]
    assert ask(cases.get_user(user))["userName"] == name
    assert [each["id"] for each in ask(cases.filter_user_name(name))["Resources"]] == [user]
    assert len(ask(cases.list_100())["Resources"]) == 100
    for active in (False, True):
        ask(cases.patch_active(user, active))
        assert ask(cases.get_user(user))["active"] is active
    created = ask(cases.create_user(1), 201)
    assert ask(cases.get_user(created["id"]))["userName"] == "created1@example.com"
    for group, size in ((peer.large_group, 110), (peer.small_group, 10)):
        ask(cases.remove_member(group, user))
        assert _members(ask, peer, group) in (size - 1, None)
        ask(cases.add_member(group, user))
        assert _members(ask, peer, group) in (size, None)


def _members(ask: Client, peer: peers.Running, group: str) -> int | None:
    """How many the group has; None when the peer never says."""
    if peer.cases.get_group is None:
        return None
    return len(ask(peer.cases.get_group(group)).get("members", []))


def test_the_floor_answers_and_ends():
    with peers.running(peers.HELLO) as peer:
        assert Client(peer)(peer.cases.get_user("")) == {"hello": "world"}
        assert peer.cases.create_user is None
    deadline = time.monotonic() + 5
    while _listens(peer.port) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _listens(peer.port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_scim2_server_does_what_it_is_measured_for():
    with peers.running(peers.SCIM2_SERVER, users=110) as peer:
        look_at(peer)


def test_a_peer_that_fails_is_missing_and_says_why():
    broken = replace(peers.HELLO, command=lambda: ["sh", "-c", "echo no luck >&2; exit 1"])
    with pytest.raises(peers.PeerMissing, match="no luck"), peers.running(broken):
        pass


def test_a_peer_from_npm_is_missing_without_node(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(peers.PeerMissing, match="node"), peers.running(peers.SCIMMY):
        pass
    assert npm.versions("scimmy")["scimmy"] == "1.3.5"
