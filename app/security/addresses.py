"""From which addresses a surface of an account may be reached: the rules decide.

Without a rule a surface is open. With rules, an address passes that lies in a network of one that
is in force; where all have expired, none does: what ends must not open.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ScalarSelect,
    Select,
    SQLColumnExpression,
    bindparam,
    case,
    or_,
    select,
)

from app.settings import Network
from app.store.functions import joined_texts
from app.store.models import AddressRule
from app.store.prepared import prepared
from app.store.types import Id, UtcDateTime, Word, now

SURFACES = ("console", "api", "scim")


def allowed(account_id: str, surface: str, address: str | None) -> bool:
    """Tell whether a surface of an account may be reached from an address. One statement.

    :param surface: Of ``SURFACES``.
    :param address: As ``app.security.requests.client_address`` says it; None: it cannot be told.
    """
    return lets_in(_rules.scalar(account=account_id, of=surface), address)


def rules_of(
    account_id: SQLColumnExpression[str], surface: str | SQLColumnExpression[str]
) -> ScalarSelect[Any]:
    """Return the rules of a surface as one column of another query, for :func:`lets_in`.

    A request that reads who asks reads with it where they may come from.

    :param account_id: A column of that query, or a parameter.
    """
    # Asked when the query runs, not when it is built: it may be built once.
    at = bindparam(None, callable_=now, type_=UtcDateTime, unique=True)
    in_force = or_(AddressRule.expires_at.is_(None), AddressRule.expires_at > at)
    # A rule that has expired counts as one that there is, and lets nobody in.
    networks = case((in_force, AddressRule.network), else_="")
    return (
        select(joined_texts(networks))
        .where(AddressRule.account_id == account_id, AddressRule.surface == surface)
        .scalar_subquery()
    )


def lets_in(rules: str | None, address: str | None) -> bool:
    """Tell whether rules let an address in.

    :param rules: As :func:`rules_of` reads them; None: there is none.
    """
    return rules is None or within(_networks(rules), address)


def within(networks: Iterable[Network], address: str | None) -> bool:
    """Tell whether an address lies in one of these networks.

    An IPv4 address mapped into IPv6 counts as the IPv4 one, as it does in networks as they are
    kept (``app.directory.networks``).
    """
    try:
        client = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    client = getattr(client, "ipv4_mapped", None) or client
    return any(client in network for network in networks)


def parsed(networks: Iterable[str]) -> tuple[Network, ...]:
    """Return networks that are texts in CIDR form."""
    return tuple(ipaddress.ip_network(each) for each in networks)


@lru_cache(maxsize=128)
def _networks(rules: str) -> tuple[Network, ...]:
    """Return the networks in rules as they are read. Kept: each request asks for the same."""
    return parsed(each for each in rules.split(",") if each)


@prepared
def _rules() -> Select[Any]:
    """Return the query of :func:`allowed`."""
    account, surface = bindparam("account", type_=Id), bindparam("of", type_=Word)
    return select(rules_of(account, surface).label("rules"))
