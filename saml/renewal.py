"""What a provider's metadata, read anew, would change of its connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.directory.errors import Invalid
from app.words import say
from saml.keys import described
from saml.metadata import Endpoint, Provider

ADDRESSES = ("sso_redirect", "sso_post", "slo_redirect", "slo_post")


@dataclass(frozen=True)
class NewAddress:
    name: str
    """Of ``ADDRESSES``."""
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Renewal:
    """What is other than before. Certificates are as ``keys.described`` tells them."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    kept: list[dict[str, Any]]
    addresses: list[NewAddress]

    @property
    def is_change(self) -> bool:
        return bool(self.added or self.removed or self.addresses)


def renewal_of(settings: dict[str, Any], provider: Provider) -> Renewal:
    """Return what a provider says otherwise than the settings of its connection.

    :raises Invalid: When it is another provider.
    """
    check_same(settings, provider)
    stored = Provider.from_settings(settings)
    before, after = stored.certificates, provider.certificates
    return Renewal(
        added=[described(pem) for pem in after if pem not in before],
        removed=[described(pem) for pem in before if pem not in after],
        kept=[described(pem) for pem in after if pem in before],
        addresses=[
            NewAddress(name, _in_words(getattr(stored, name)), _in_words(getattr(provider, name)))
            for name in ADDRESSES
            if getattr(stored, name) != getattr(provider, name)
        ],
    )


def check_same(settings: dict[str, Any], provider: Provider) -> None:
    """Refuse what is said of another provider than the connection's.

    :raises Invalid: When it is another one.
    """
    if provider.entity_id != settings["entity_id"]:
        raise Invalid(
            say(
                "This is the metadata of another provider, %(entity_id)s. "
                "Add it as a connection of its own.",
                entity_id=provider.entity_id,
            ),
            field="metadata",
        )


def _in_words(address: str | Endpoint | None) -> str | None:
    if not isinstance(address, Endpoint):
        return address
    if address.response_location == address.location:
        return address.location
    return f"{address.location}, answers to {address.response_location}"
