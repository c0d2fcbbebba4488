"""What every face needs to know of the request it serves: its id, where it came from."""

from __future__ import annotations

import ipaddress
import re
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, cast

from flask import Request, current_app, g, has_request_context, request
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
)

from app.security.paths import same_site_path
from app.settings import Network, Settings
from app.store.temporary import room
from app.store.types import new_id

KEPT_LENGTH = 1024
"""Longest ``X-Forwarded-For`` whose client is kept in memory: anybody sends whatever they like."""
BUSY_SECONDS = 2
"""When to try again after the database could not be had."""
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,12}")
_FORWARDED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class InsufficientStorage(HTTPException):
    """There is no room for what was sent (RFC 4918 §11.5)."""

    code = 507
    description = (
        "There is no room for the file on the server. Once whoever runs it has made some where "
        "temporary files are, send it again."
    )


class BoundedRequest(Request):
    """A request whose body is refused when it is too large, also when its size is not stated."""

    _file: IO[bytes]

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body.

        :raises RequestEntityTooLarge: At the limit, where werkzeug would cut a chunked body off.
        """
        data = super().get_data(*args, **kwargs)
        limit = self.max_content_length
        if self.content_length is None and limit is not None and len(data) >= limit:
            raise RequestEntityTooLarge
        return data

    def _load_form_data(self) -> None:
        """Read a form, whose files go to temporary ones.

        :raises NoRoom: When it finds no room where these are.
        """
        with room():
            super()._load_form_data()

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint that answers, from the inside out; asked for several times."""
        known = self.__dict__.get("_blueprints")
        if known is None or known[0] is not self.url_rule:
            known = self.__dict__["_blueprints"] = self.url_rule, super().blueprints
        return known[1]

    def close(self) -> None:
        """Close the files that were sent; most requests send none, and finding out takes longer."""
        if self.__dict__.get("files"):
            super().close()
        if "_file" in self.__dict__:
            self._file.close()

    def file(self) -> IO[bytes]:
        """Return the body as a file: memory does not grow with it.

        :raises LengthRequired: When its size is not stated: what was cut off could not be told.
        :raises RequestEntityTooLarge: When it is larger than ``max_content_length``.
        :raises ClientDisconnected: When it ends too early.
        :raises NoRoom: When it finds no room where temporary files are.
        """
        if "_file" in self.__dict__:  # The request is answered once more.
            return self._file
        length = self.content_length
        if length is None:
            raise LengthRequired("State the length of the file: without, half of it looks whole.")
        with room(), ExitStack() as stack:
            file = stack.enter_context(TemporaryFile())
            copyfileobj(self.stream, file)
            file.flush()
            if file.tell() < length:
                raise ClientDisconnected
            stack.pop_all()  # It is closed with the request.
        self._file = file
        return self._file

    def body(self) -> bytes:
        """Return the body: the short way where its length is stated.

        :raises RequestEntityTooLarge: When it is too large.
        :raises ClientDisconnected: When it ends too early.
        """
        known: bytes | None = self.__dict__.get("_cached_data")
        if known is not None:  # The request is answered once more.
            return known
        environ = self.environ
        stated = environ.get("CONTENT_LENGTH", "")
        if "HTTP_TRANSFER_ENCODING" in environ or not _LENGTH.fullmatch(stated):
            return cast(bytes, self.get_data())
        length = int(stated)
        if length > settings().max_body_bytes:
            raise RequestEntityTooLarge
        body: bytes = environ["wsgi.input"].read(length)
        if len(body) < length:
            raise ClientDisconnected
        self._cached_data = body
        return body


def settings() -> Settings:
    """Return the settings of the running application."""
    app: Any = current_app
    found: Settings = app._get_current_object().extensions["gatehouse"]
    return found


def current_request() -> BoundedRequest:
    """Return the request itself: each attribute of Flask's ``request`` takes a look-up more."""
    proxy: Any = request
    found: BoundedRequest = proxy._get_current_object()
    return found


def request_id() -> str:
    """Return the id of the request, which every error, log line and audit event carries.

    A trusted proxy may have given it (``X-Request-Id``); otherwise it is made here.
    """
    known = g._get_current_object().__dict__
    found: str | None = known.get("request_id")
    if found is None:
        given = current_request().environ.get("HTTP_X_REQUEST_ID", "")
        trusted = _FORWARDED_ID.fullmatch(given) and from_trusted_proxy()
        found = known["request_id"] = given if trusted else new_id()
    return found


def client_address() -> str | None:
    """Return the address of the client: the nearest one that is not a trusted proxy.

    ``X-Forwarded-For`` is read from its end and only as far as the proxies are trusted, so that
    a client cannot choose its own address.
    """
    if not has_request_context():
        return None
    environ = current_request().environ
    trusted = settings().trusted_proxies
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "") if trusted else ""
    find = _nearest_untrusted if len(forwarded) > KEPT_LENGTH else _kept
    return find(environ.get("REMOTE_ADDR"), forwarded, trusted)


def comes_from(networks: tuple[Network, ...]) -> bool:
    """Tell whether the client's address lies in one of some networks."""
    address = _address(client_address())
    return address is not None and _lies_in(address, networks)


def _nearest_untrusted(
    peer: str | None, forwarded: str, trusted: tuple[Network, ...]
) -> str | None:
    """Return the client's address."""
    hop = _address(peer)
    for part in reversed(forwarded.split(",")) if forwarded else ():
        if hop is None or not _lies_in(hop, trusted):
            break
        hop = _address(part)
    return str(hop) if hop else None


_kept = lru_cache(maxsize=1024)(_nearest_untrusted)
"""One client asks for its address several times a request."""


def client_network() -> str | None:
    """Return what requests are counted by: the client's address, and of an IPv6 one the /64.

    That is what one customer of a network is given at least; by whole addresses, each request
    could come from another one.
    """
    address = client_address()
    if address is None or ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


@dataclass(frozen=True)
class Target:
    """What the client asked a proxy for."""

    origin: str
    """Scheme, host and port, in lower case, without the port that goes without saying."""
    path: str
    """With its query; ``/`` where it cannot be told."""


def forwarded_target() -> Target | None:
    """Return what the client asked of a trusted proxy (``X-Forwarded-Proto``, ``-Host``, ``-Uri``).

    None without such a proxy: anybody else could make it up.
    """
    if not from_trusted_proxy():
        return None
    scheme = request.headers.get("X-Forwarded-Proto", "").strip().lower()
    host = request.headers.get("X-Forwarded-Host", "").strip().lower()
    if scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return None
    name, colon, port = host.rpartition(":")
    if colon and port == _DEFAULT_PORTS[scheme]:
        host = name
    return Target(f"{scheme}://{host}", same_site_path(request.headers.get("X-Forwarded-Uri", "/")))


def from_trusted_proxy() -> bool:
    """Tell whether the request was sent on by a trusted proxy."""
    peer = _address(request.remote_addr)
    return peer is not None and _lies_in(peer, settings().trusted_proxies)


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an address without zone; an IPv4 one mapped into IPv6 counts as the IPv4 one."""
    try:
        address = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _lies_in(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: tuple[Network, ...]
) -> bool:
    return any(address in network for network in networks)
