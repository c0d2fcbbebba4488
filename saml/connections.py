"""SAML connections: made from a provider's metadata, loaded for each request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.directory import connections
from app.directory.errors import Invalid
from app.directory.work import Work
from app.security.requests import settings
from app.security.secrets import seal, unseal
from app.store.database import db
from app.store.models import Connection
from app.store.types import new_id
from saml.attributes import PRESETS
from saml.errors import BadMetadata
from saml.keys import new_key_pair
from saml.metadata import Provider, read_provider
from saml.options import Options


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
    options: Options

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


def register(work: Work, name: str, document: bytes, **options: Any) -> str:
    """Add a connection from a provider's metadata, with a key of its own, and return its id.

    :param options: Fields of :class:`Options`.
    :raises Invalid: When the metadata cannot be used, or an option cannot be.
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
        | Options().changed(**options).as_settings()
        | {"signing_certificate": certificate},
        sealed_key=seal(settings().secret_key, connection_id, key),
    )


def attribute_names(preset: str | None, pairs: Iterable[str]) -> dict[str, str]:
    """Return what a provider calls attributes: those of a preset, changed by ``ours=theirs``.

    :raises Invalid: When there is no such preset, or a pair is none.
    """
    if preset is not None and preset.lower() not in PRESETS:
        raise Invalid(f"There are presets for: {', '.join(PRESETS)}.", field="preset")
    names = dict(PRESETS[preset.lower()]) if preset else {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs:
            raise Invalid(f"{pair!r} is no pair such as email=mail.", field="attribute")
        names[ours] = theirs
    return names


def configure(work: Work, name: str, **changes: Any) -> Options:
    """Change options of a connection, named or by its id, and return them all.

    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When an option cannot be.
    """
    row = connections.find_saml(work.account_id, name)
    options = Options.from_settings(row.settings).changed(**changes)
    connections.replace_settings(work, row.id, row.settings | options.as_settings())
    return options


def renew_metadata(work: Work, name: str, document: bytes) -> Provider:
    """Read a connection's metadata anew, such as when the provider has a new certificate.

    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When the metadata cannot be used, or is another provider's.
    """
    row = connections.find_saml(work.account_id, name)
    try:
        provider = read_provider(document)
    except BadMetadata as error:
        raise Invalid(str(error), field="metadata") from None
    if provider.entity_id != row.settings["entity_id"]:
        raise Invalid(
            f"This is the metadata of another provider, {provider.entity_id}. "
            "Add it as a connection of its own.",
            field="metadata",
        )
    connections.replace_settings(work, row.id, row.settings | provider.as_settings())
    return provider


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
        options=Options.from_settings(row.settings),
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
