"""A receiver of events: a real HTTP server that takes, refuses or loses what is pushed to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

LOOPBACK = (ip_network("127.0.0.0/8"),)
Say = Callable[[int, dict[str, Any]], tuple[int, dict[str, str], bytes]]
TAKEN = (202, {}, b"")


def refused(err: str, description: str = "") -> tuple[int, dict[str, str], bytes]:
    """The answer to an event that the receiver does not want (RFC 8935 §2.3)."""
    return 400, {}, json.dumps({"err": err, "description": description}).encode()


class Receiver:
    """Keeps what it is sent.

    ``say`` chooses the answer, by how many came before and the claims.
    """

    def __init__(self) -> None:
        self.url = ""
        self.say: Say = lambda number, claims: TAKEN
        self.keys: dict[str, Any] = {"keys": []}
        self.tried: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token, once its signature and kind are known to be good."""
        found = jwt.decode(token, KeySet.import_key_set(self.keys), algorithms=["ES256"])
        assert found.header["typ"] == "secevent+jwt"
        return found.claims

    def ids(self) -> list[str]:
        return [each["jti"] for each in self.taken]


@contextmanager
def a_receiver(keys: dict[str, Any] | Callable[[], dict[str, Any]]) -> Iterator[Receiver]:
    """Run a receiver on a port of its own.

    :param keys: The JWK Set to verify with, or what returns it.
    """
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.keys = keys() if callable(keys) else keys
            claims = receiver.read(body.decode())
            status, headers, content = receiver.say(len(receiver.tried), claims)
            receiver.tried.append(claims)
            receiver.headers.append(dict(self.headers))
            if status < 300:
                receiver.taken.append(claims)
            if not status:  # the line goes dead
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/events"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
