"""Who presents a token of the admin API, and what it may do: its scopes are actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select

from app.security import addresses
from app.security.secrets import digest
from app.security.tokens import TOUCH_AFTER, from_allowed
from app.store.models import Token
from app.store.prepared import prepared
from app.store.types import Word, now


@dataclass(frozen=True)
class ApiToken:
    """A valid token of the API, as found at one request."""

    account_id: str
    token_id: str
    name: str
    scopes: frozenset[str]
    """The actions it permits, on the account and on every folder."""
    last_used_at: datetime | None
    address_rules: str | None
    """Where the account lets the API be reached from (``app.security.addresses.lets_in``)."""

    @property
    def wants_touch(self) -> bool:
        return self.last_used_at is None or self.last_used_at < now() - TOUCH_AFTER


def identify(token: str, address: str | None) -> ApiToken | None:
    """Return the identity of a token of the API that is live and may come from the address."""
    if len(token) > 256:
        return None
    row = _by_hash.first(hash=digest(token))
    if row is None or (row.expires_at is not None and row.expires_at <= now()):
        return None
    if not from_allowed(row.networks, address):
        return None
    return ApiToken(
        row.account_id,
        row.id,
        row.name,
        frozenset(row.scopes),
        row.last_used_at,
        row.address_rules,
    )


@prepared
def _by_hash() -> Select[*tuple[Any, ...]]:
    """Return the token with a hash."""
    query: Select[*tuple[Any, ...]] = select(
        Token.account_id,
        Token.id,
        Token.name,
        Token.scopes,
        Token.networks,
        Token.expires_at,
        Token.last_used_at,
        addresses.rules_of(Token.account_id, "api").label("address_rules"),
    ).where(Token.hash == bindparam("hash", type_=Word), Token.surface == "api")
    return query
