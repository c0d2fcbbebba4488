"""A SAML connection, as each request loads it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, select

from app.directory import connection_keys
from app.security.requests import settings
from app.security.secrets import SealError, unseal
from app.store.database import db
from app.store.models import Connection
from saml.metadata import Provider
from saml.options import Options

_IN_USE = select(Connection.id, Connection.account_id, Connection.name, Connection.settings).where(
    Connection.id == bindparam("id"), Connection.kind == "saml", Connection.enabled.is_(True)
)


@dataclass(frozen=True)
class SamlConnection:
    """One connection, with where its messages go."""

    id: str
    account_id: str
    name: str
    provider: Provider
    base_url: str
    options: Options

    @property
    def entity_id(self) -> str:
        """Our name at this provider, the same as the address of our metadata."""
        return f"{self.base_url}/metadata"

    @property
    def acs_url(self) -> str:
        return f"{self.base_url}/acs"

    @property
    def slo_url(self) -> str:
        return f"{self.base_url}/slo"

    @cached_property
    def _keys(self) -> dict[str, Any]:
        # Asked for when it is needed: most sign-ins need no key of ours.
        return connection_keys.stored(self.account_id, self.id)

    def certificates(self) -> list[str]:
        """Return our certificates to be known to the provider, PEM, the current one first."""
        return [self._keys[state].certificate for state in ("current", "next") if self._has(state)]

    def signing_key(self) -> str:
        """Return the private key we sign with, PEM."""
        return self._unsealed("current")

    def decryption_keys(self) -> list[str]:
        """Return the private keys a message may be encrypted for, PEM.

        :raises SealError: When the secret key opens none of them.
        """
        found = []
        for state in self._keys:
            with suppress(SealError):  # the one of before the secret key was lost
                found.append(self._unsealed(state))
        return found or [self._unsealed("current")]

    def _has(self, state: str) -> bool:
        return state in self._keys

    def _unsealed(self, state: str) -> str:
        return unseal(settings().secret_key, self.id, self._keys[state].sealed_key)


def load(connection_id: str) -> SamlConnection | None:
    """Return an enabled SAML connection, or None."""
    row = db.session.execute(_IN_USE, {"id": connection_id}).first()
    if row is None:
        return None
    return SamlConnection(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        provider=Provider.from_settings(row.settings),
        options=Options.from_settings(row.settings),
        base_url=f"{settings().public_url}/saml/{row.id}",
    )
