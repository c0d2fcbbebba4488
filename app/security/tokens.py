"""Who presents a bearer token, and what it may do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.security import addresses
from app.security.secrets import digest, new_secret
from app.store.models import Account, Connection, Token
from app.store.prepared import prepared
from app.store.types import Word, now
from app.words import Said, say

SCOPES = ("users", "groups", "folders", "grants", "admins")
"""What a SCIM token may do: read and write the resource of that name. ``grants`` gives and takes
back roles that do not manage the account; with ``admins``, the others too."""
DEFAULT_SCOPES = ("users", "groups")

TOUCH_AFTER = timedelta(minutes=1)
"""How stale ``last_used_at`` may be, so that not every request writes."""


@dataclass(frozen=True)
class TokenIdentity:
    """A valid token, as found at one request."""

    account_id: str
    token_id: str
    connection_id: str
    name: str
    scopes: frozenset[str]
    last_used_at: datetime | None
    scim_epoch: int
    """Which SCIM schemas the account has: it grows when they change."""
    keeps_unknown: bool
    """Whether the account keeps attributes that no schema declares."""

    @property
    def wants_touch(self) -> bool:
        return self.last_used_at is None or self.last_used_at < now() - TOUCH_AFTER


def new_token() -> tuple[str, str]:
    """Return a new token and the prefix it can be recognised by."""
    prefix = f"gh_{secrets.token_hex(4)}"
    return f"{prefix}_{new_secret()}", prefix


@dataclass(frozen=True)
class RefusedToken:
    """A token we know that is refused all the same, for an administrator to see why."""

    account_id: str
    token_id: str
    connection_id: str
    name: str
    reason: str
    """It is for the provisioning log alone: the client learns that it is refused, and no more."""


def identify(token: str | None, address: str | None) -> TokenIdentity | RefusedToken | None:
    """Return the identity of a token that is live and may come from the address.

    Of one that is known and refused, return why; None for one that is not known.
    """
    if not token or len(token) > 256:
        return None
    row = _by_hash.first(hash=digest(token))
    if row is None:
        return None
    reason = _refusal(row, address)
    if reason is not None:
        return RefusedToken(row.account_id, row.id, row.connection_id, row.name, reason)
    return TokenIdentity(
        row.account_id,
        row.id,
        row.connection_id,
        row.name,
        frozenset(row.scopes),
        row.last_used_at,
        row.scim_epoch,
        row.keeps_unknown,
    )


def _refusal(row: Any, address: str | None) -> Said | None:
    if not row.enabled:
        return say("The connection of this token is disabled.")
    if row.expires_at is not None and row.expires_at <= now():
        at = f"{row.expires_at:%Y-%m-%d %H:%M}"
        return say("This token expired on %(time)s UTC. Rotate it in time.", time=at)
    if not from_allowed(row.networks, address):
        return say("This token may not come from the address %(address)s.", address=address)
    if not addresses.lets_in(row.address_rules, address):
        if address is None:
            return say("The address of the client is not allowed for SCIM.")
        return say("The address %(address)s is not allowed for SCIM.", address=address)
    return None


@prepared
def _by_hash() -> Select[*tuple[Any, ...]]:
    """Return the token with a hash."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Token.account_id,
            Token.id,
            Token.connection_id,
            Token.name,
            Token.scopes,
            Token.networks,
            Token.expires_at,
            Token.last_used_at,
            Connection.enabled,
            Account.scim_epoch,
            Account.keeps_unknown,
            addresses.rules_of(Token.account_id, "scim").label("address_rules"),
        )
        .join(Account, Account.id == Token.account_id)
        .join(
            Connection,
            (Connection.account_id == Token.account_id) & (Connection.id == Token.connection_id),
        )
        .where(Token.hash == bindparam("hash", type_=Word))
    )
    return query


def from_allowed(networks: list[str], address: str | None) -> bool:
    """Tell whether an address list, empty for any, lets an address in."""
    return not networks or addresses.within(addresses.parsed(networks), address)
