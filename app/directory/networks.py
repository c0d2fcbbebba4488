"""Address lists: the networks a credential may be used from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from app.directory.errors import Invalid
from app.words import say

NETWORKS_LIMIT = 50


def cleaned(networks: Iterable[str]) -> list[str]:
    """Return networks in CIDR form, each once; IPv4 ones mapped into IPv6 as IPv4.

    :raises Invalid: When one is none, or there are too many.
    """
    found = list(dict.fromkeys(_network(each) for each in networks))
    if len(found) > NETWORKS_LIMIT:
        raise Invalid(
            say(
                "An address list holds %(limit)s networks at most, and these are %(count)s. "
                "Join neighbours into wider ones.",
                limit=NETWORKS_LIMIT,
                count=len(found),
            ),
            field="network",
        )
    return found


def _network(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError("a zone is known to one machine only")
        network = ipaddress.ip_network(text.strip())
    except ValueError:
        raise Invalid(
            say(
                "%(text)r is no network. Write it like 203.0.113.0/24, 203.0.113.7 or "
                "2001:db8::/32, without bits beyond the prefix.",
                text=text,
            ),
            field="network",
        ) from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        return str(ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}"))
    return str(network)
