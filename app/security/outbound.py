"""Asking addresses that someone gave, without being led to our own network."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, IncompleteRead, RemoteDisconnected
from threading import Timer
from urllib.parse import urlsplit

from app.settings import Network
from app.words import say

SECONDS = 10
"""How long a question and its answer may take in all, once the name is resolved."""
PROBLEMS = (HTTPException, OSError, ValueError)
"""What asking raises when the other side, or the way to it, is not as it should be."""
_STALE = (RemoteDisconnected, BrokenPipeError, ConnectionResetError)
_BROKE_OFF = (ConnectionError, IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_SAID = (
    (ConnectionRefusedError, say("the connection was refused")),
    (TimeoutError, say("there was no answer in time")),
    (_BROKE_OFF, say("the connection broke off")),
    (ssl.SSLError, say("there is no TLS that both sides speak")),
)
"""What went wrong, in words: the first that fits."""
_UNICAST = ipaddress.IPv6Network("2000::/3")
_6TO4 = ipaddress.IPv6Network("2002::/16")


class BadUrl(ValueError):
    """It is none that is asked: not https, or not plain."""


class NotPublic(OSError):
    """An address of the host is of a network that is not asked."""


class UnknownName(OSError):
    """There is no address of the host. It says so in words."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the name {host} cannot be found (DNS)")
        self.host = host


def problem_of(error: Exception) -> str:
    """Return what went wrong, of ``PROBLEMS``, in words that follow a colon."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".")
        return say("the TLS certificate is not trusted (%(reason)s)", reason=reason)
    plain = getattr(error, "strerror", None) or type(error).__name__
    return next((said for kind, said in _SAID if isinstance(error, kind)), plain)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes
    """Up to one byte more than was asked for at the most."""
    whole: bool
    """Whether it arrived in full, in time."""


def _trusted_authorities() -> str:
    """Return the file with the authorities that are trusted to name hosts."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # Few processes ask anybody: it is large.

    return str(DEFAULT_CA_BUNDLE_PATH)


class Peer:
    """The other side of one URL. Several questions go over one connection.

    The name is resolved once, every address it has must be public, and the connection goes to
    the address that was checked. Redirects are not followed, and no proxy is asked.

    :param networks: Where it may be besides, without TLS too.
    :raises BadUrl: When it is none that may be asked.
    :raises NotPublic: When it names an address, not a name, that is not let through.
    """

    def __init__(self, url: str, networks: Collection[Network] = ()) -> None:
        parts = urlsplit(url)
        host = parts.hostname
        is_plain = parts.scheme == "http" and bool(networks)
        if not (parts.scheme == "https" or is_plain) or not host or parts.username:
            raise BadUrl
        self._host, self._tls = host, not is_plain
        self._port = parts.port or (80 if is_plain else 443)
        self._target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self._networks = networks
        with suppress(UnknownName):  # It is a name, which is looked up when it is asked.
            self._allowed_address(flags=socket.AI_NUMERICHOST)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()

    def ask(
        self, method: str, headers: Mapping[str, str], body: bytes | None = None, *, limit: int
    ) -> Answer:
        """Send a request, and return the answer.

        :param limit: How much of its body is read, in bytes.
        :raises NotPublic: When the host is where nobody is asked.
        :raises UnknownName: When there is no such host.
        :raises HTTPException, OSError, ValueError: When there is no answer in time.
        """
        is_open = self._connection.sock is not None
        try:
            return self._ask(method, headers, body, limit)
        except _STALE:
            self._connection.close()
            if not is_open:
                raise
        return self._ask(method, headers, body, limit)  # They had closed it meanwhile.

    def _ask(
        self, method: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        connection = self._connection
        # The timeout of a socket starts anew with each byte: one a minute would go on for ever.
        watch = Timer(SECONDS, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            connection.request(method, self._target, body, dict(headers))
            answer = connection.getresponse()
            read = answer.read(limit + 1)
        except BaseException as error:
            connection.close()
            if connection.was_cut and isinstance(error, PROBLEMS):  # It is we who broke it off.
                raise TimeoutError from error
            raise
        finally:
            watch.cancel()
        whole = not (connection.was_cut or answer.length) and len(read) <= limit
        if not whole:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, read, whole)

    @cached_property
    def _connection(self) -> _Pinned:
        return _Pinned(self._host, self._port, self._allowed_address(), tls=self._tls)

    def _allowed_address(self, flags: int = 0) -> str:
        return allowed_address(self._host, self._port, self._networks, tls=self._tls, flags=flags)


def allowed_address(
    host: str, port: int, networks: Collection[Network] = (), *, tls: bool = True, flags: int = 0
) -> str:
    """Return an address of a host.

    :param networks: Of which one is let through although it is not public.
    :param tls: Whether it is asked over TLS; without, only those networks are.
    :param flags: Of ``getaddrinfo``.
    :raises UnknownName: When it has none.
    :raises NotPublic: When any address it has is not let through.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except socket.gaierror:
        raise UnknownName(host) from None
    found = {str(info[4][0]) for info in infos}
    for address in found:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        if not any(parsed in network for network in networks) and not (tls and _is_public(parsed)):
            raise NotPublic(host)
    return min(found)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # Outside of this range, and in 6to4, addresses may carry a private IPv4 one to a gateway.
        return address.is_global and address in _UNICAST and address not in _6TO4
    return address.is_global and not address.is_multicast


class _Pinned(HTTPConnection):
    """Connects to an address, but asks for, and checks the certificate of, a name."""

    def __init__(self, host: str, port: int, address: str, *, tls: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.default_port = 443 if tls else 80
        self.address = address
        self.was_cut = False
        self.stream: socket.socket | None = None
        """Our own reference: ``sock`` is gone while an answer without a length is read."""
        self.tls: ssl.SSLContext | None = None
        if tls:
            self.tls = ssl.create_default_context()
            self.tls.load_verify_locations(_trusted_authorities())

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Kept before the handshake, so that a slow one can be cut too.
        if self.tls is None:
            self.stream = self.sock = plain
        else:
            self.stream = self.sock = secure = self.tls.wrap_socket(
                plain, server_hostname=self.host, do_handshake_on_connect=False
            )
        if self.was_cut:
            raise TimeoutError
        if self.tls is not None:
            secure.do_handshake()

    def cut(self) -> None:
        """End the connection from another thread, whatever it waits for."""
        self.was_cut = True
        with suppress(OSError):
            if self.stream is not None:
                socket.socket.shutdown(self.stream, socket.SHUT_RDWR)
