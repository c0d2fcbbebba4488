"""Fetching metadata from an address someone gave, without being led to our own network."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from contextlib import suppress
from http.client import HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from app.words import say
from saml.errors import BadMetadata
from saml.metadata import MAX_BYTES

SECONDS = 10
"""How long a fetch may take in all, once the name is resolved."""
_UNICAST = ipaddress.IPv6Network("2000::/3")
_6TO4 = ipaddress.IPv6Network("2002::/16")


def get(url: str) -> bytes:
    """Return the document at an HTTPS address.

    The name is resolved once, every address it has must be public, and the connection goes to
    the address that was checked. Redirects are not followed, and no proxy is asked.

    :raises BadMetadata: When it cannot be fetched, or must not be.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
        if parts.scheme != "https" or not host or parts.username:
            raise BadMetadata(
                say("Metadata is fetched over https:// only. Download it and give the file.")
            )
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        return _download(_Pinned(host, port, _public_address(host, port)), target)
    except (HTTPException, OSError, ValueError) as error:
        raise BadMetadata(
            say("The metadata cannot be fetched: %(problem)s.", problem=type(error).__name__)
        ) from None


def _public_address(host: str, port: int) -> str:
    """Return an address of the host.

    :raises BadMetadata: When any address it has is not public.
    """
    found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    for address in found:
        if not _is_public(str(address)):
            raise BadMetadata(say("The address of the metadata is not a public one."))
    return str(sorted(found)[0])


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if isinstance(parsed, ipaddress.IPv6Address):
        # Outside of this range, and in 6to4, addresses may carry a private IPv4 one to a gateway.
        return parsed.is_global and parsed in _UNICAST and parsed not in _6TO4
    return parsed.is_global and not parsed.is_multicast


class _Pinned(HTTPSConnection):
    """Connects to an address, but asks for, and checks the certificate of, a name."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.address = address
        self.was_cut = False
        self.stream: ssl.SSLSocket | None = None
        """Our own reference: ``sock`` is gone while an answer without a length is read."""
        self.tls = ssl.create_default_context()
        self.tls.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        # Kept before the handshake, so that a slow one can be cut too.
        self.stream = self.sock = self.tls.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        if self.was_cut:
            raise TimeoutError
        self.stream.do_handshake()

    def cut(self) -> None:
        """End the connection from another thread, whatever it waits for."""
        self.was_cut = True
        with suppress(OSError):
            if self.stream is not None:
                socket.socket.shutdown(self.stream, socket.SHUT_RDWR)


def _download(connection: _Pinned, target: str) -> bytes:
    # The timeout of a socket starts anew with each byte: one a minute would go on for ever.
    watch = Timer(SECONDS, connection.cut)
    watch.start()
    try:
        accepted = {"Accept": "application/samlmetadata+xml, */*;q=0.5", "User-Agent": "Gatehouse"}
        connection.request("GET", target, headers=accepted)
        answer = connection.getresponse()
        if answer.status != 200:
            raise BadMetadata(
                say("The address of the metadata answered %(status)s.", status=str(answer.status))
            )
        document = answer.read(MAX_BYTES + 1)
    finally:
        watch.cancel()
        connection.close()
    if len(document) > MAX_BYTES:
        raise BadMetadata(say("The metadata is larger than %(limit)s bytes.", limit=MAX_BYTES))
    if connection.was_cut or answer.length:
        raise BadMetadata(say("The metadata did not arrive in full, or took too long."))
    return document
