"""Fetching metadata from an address someone gave, without being led to our own network."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from saml.errors import BadMetadata
from saml.metadata import MAX_BYTES

SECONDS = 10
"""How long a fetch may take in all."""


def get(url: str) -> bytes:
    """Return the document at an HTTPS address.

    The name is resolved once, every address it has must be public, and the connection goes to
    the address that was checked. Redirects are not followed.

    :raises BadMetadata: When it cannot be fetched, or must not be.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username:
            raise BadMetadata(
                "Metadata is fetched over https:// only. Download it and give the file."
            )
        address = _public_address(parts.hostname, parts.port or 443)
        return _download(url, parts.hostname, parts.port or 443, address)
    except (requests.RequestException, OSError, ValueError) as error:
        raise BadMetadata(f"The metadata cannot be fetched: {type(error).__name__}.") from None


def _public_address(host: str, port: int) -> str:
    """Return an address of the host.

    :raises BadMetadata: When any address it has is not public.
    """
    found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    for address in found:
        parsed = ipaddress.ip_address(address)
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        if not mapped.is_global or mapped.is_multicast:
            raise BadMetadata("The address of the metadata is not a public one.")
    return str(sorted(found)[0])


def _download(url: str, host: str, port: int, address: str) -> bytes:
    deadline = time.monotonic() + SECONDS
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _Pinned(host))
        literal = f"[{address}]" if ":" in address else address
        target = urlsplit(url)._replace(netloc=f"{literal}:{port}", fragment="").geturl()
        with session.get(
            target,
            headers={"Host": urlsplit(url).netloc, "Accept": "application/samlmetadata+xml"},
            timeout=SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != 200:
                raise BadMetadata(f"The address of the metadata answered {answer.status_code}.")
            document = bytearray()
            for chunk in answer.iter_content(16_384):
                document += chunk
                if len(document) > MAX_BYTES:
                    raise BadMetadata(f"The metadata is larger than {MAX_BYTES} bytes.")
                if time.monotonic() > deadline:
                    raise BadMetadata("The metadata took too long to arrive.")
    return bytes(document)


class _Pinned(HTTPAdapter):
    """Connects to an address, but asks for and checks the certificate of a name."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        kwargs |= {"server_hostname": self.host, "assert_hostname": self.host}
        super().init_poolmanager(connections, maxsize, block, **kwargs)
