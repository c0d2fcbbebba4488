"""Who presents OAuth client credentials."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.security import addresses
from app.security.secrets import digest
from app.security.tokens import from_allowed
from app.store.database import db, table
from app.store.models import Connection, OAuthClient
from app.store.types import Id, now

_NOBODY = digest("")


@dataclass(frozen=True)
class ClientIdentity:
    """A client that has proved its secret."""

    account_id: str
    client_id: str
    connection_id: str
    name: str
    scopes: frozenset[str]
    networks: list[str]
    enabled: bool
    """Whether its connection is: a client of one that is not gets no token."""


def identify_client(client_id: str, secret: str, address: str | None) -> ClientIdentity | None:
    """Return the client whose secret this is and that may come from the address, or None.

    While a secret is being replaced, the old one counts too. An unknown client is compared with
    as a known one is.
    """
    client = db.session.execute(_by_id(), {"id": client_id}).first()
    presented = digest(secret)
    hashes = [_NOBODY, _NOBODY]
    if client is not None:
        overlaps = client.previous_expires_at is not None and client.previous_expires_at > now()
        hashes = [client.hash, client.previous_hash if overlaps else _NOBODY]
    good = [hmac.compare_digest(presented, each) for each in hashes]
    if client is None or not any(good) or not secret:
        return None
    if not from_allowed(client.networks, address):
        return None
    if not addresses.lets_in(client.address_rules, address):
        return None
    return ClientIdentity(
        client.account_id,
        client.id,
        client.connection_id,
        client.name,
        frozenset(client.scopes),
        client.networks,
        client.enabled,
    )


@cache
def _by_id() -> Select[*tuple[Any, ...]]:
    """Return the client with an id, and the account's rules on addresses."""
    query: Select[*tuple[Any, ...]] = select(
        *table(OAuthClient).c,
        Connection.enabled,
        addresses.rules_of(OAuthClient.account_id, "scim").label("address_rules"),
    )
    return query.join(
        Connection,
        (Connection.account_id == OAuthClient.account_id)
        & (Connection.id == OAuthClient.connection_id),
    ).where(OAuthClient.id == bindparam("id", type_=Id))
