"""SAML connections: made from a provider's metadata, loaded for each request."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.directory import connections
from app.directory.errors import Invalid
from app.directory.work import Work
from app.security.requests import settings
from app.security.secrets import seal, unseal
from app.store.database import db
from app.store.models import Connection
from app.store.types import new_id
from saml.errors import BadMetadata
from saml.keys import new_key_pair
from saml.metadata import Provider, read_provider


@dataclass(frozen=True)
class SamlConnection:
    """One connection, with where its messages go."""

    id: str
    account_id: str
    name: str
    provider: Provider
    certificate: str
    """Our certificate, PEM."""
    sealed_key: str
    base_url: str
    match_email: bool
    """Whether an e-mail attribute may say who somebody is."""

    @property
    def entity_id(self) -> str:
        """Our name at this provider, the same as the address of our metadata."""
        return f"{self.base_url}/metadata"

    @property
    def acs_url(self) -> str:
        return f"{self.base_url}/acs"

    def key(self) -> str:
        """Return our private key, PEM."""
        return unseal(settings().secret_key, self.id, self.sealed_key)


def register(work: Work, name: str, document: bytes, *, match_email: bool = False) -> str:
    """Add a connection from a provider's metadata, with a key of its own, and return its id.

    :param match_email: Find people by an e-mail attribute too. Where they can change it at the
        provider, they could become somebody else, so it is off unless asked for.
    :raises Invalid: When the metadata cannot be used.
    :raises Taken: When the account has a connection of this name.
    """
    try:
        provider = read_provider(document)
    except BadMetadata as error:
        raise Invalid(str(error), field="metadata") from None
    connection_id = new_id()
    key, certificate = new_key_pair(f"Gatehouse {connection_id}")
    return connections.create(
        work,
        "saml",
        name,
        connection_id=connection_id,
        settings=provider.as_settings()
        | {"signing_certificate": certificate, "match_email": match_email},
        sealed_key=seal(settings().secret_key, connection_id, key),
    )


def load(connection_id: str) -> SamlConnection | None:
    """Return an enabled SAML connection, or None."""
    query = select(
        Connection.id,
        Connection.account_id,
        Connection.name,
        Connection.settings,
        Connection.sealed_key,
    ).where(Connection.id == connection_id, Connection.kind == "saml", Connection.enabled.is_(True))
    row = db.session.execute(query).first()
    if row is None:
        return None
    return SamlConnection(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        provider=Provider.from_settings(row.settings),
        certificate=row.settings["signing_certificate"],
        sealed_key=row.sealed_key or "",
        match_email=row.settings["match_email"],
        base_url=f"{settings().public_url}/saml/{row.id}",
    )


def fetch_metadata(url: str) -> bytes:
    """Return the metadata at an address.

    :raises Invalid: When it cannot be fetched; the message says why.
    """
    from saml import fetch  # It needs an HTTP client, which nothing else does: a quicker start.

    try:
        return fetch.get(url)
    except BadMetadata as error:
        raise Invalid(str(error), field="metadata") from None
