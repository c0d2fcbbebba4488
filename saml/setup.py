"""Setting up SAML connections: from metadata or fields, options, keys, metadata read anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.directory import bounds, connection_keys, connections, direct_roles
from app.directory.errors import Invalid
from app.directory.work import Work
from app.security.requests import settings as app_settings
from app.security.secrets import seal
from app.store.types import new_id
from app.words import say
from saml import metadata, renewal
from saml.attributes import PRESETS
from saml.errors import BadMetadata
from saml.keys import new_key_pair
from saml.metadata import Provider, provider_from_fields, read_provider
from saml.options import Options


def register(work: Work, name: str, provider: Provider, **options: Any) -> str:
    """Add a connection to a provider, with a key of its own, and return its id.

    :param options: ``metadata_url``, if it is to be read anew from there, and fields of
        :class:`Options`.
    :raises Invalid: When an option cannot be.
    :raises Taken: When the account has a connection of this name.
    """
    connection_id = new_id()
    settings = Options().as_settings() | {"metadata_url": ""}
    connections.create(
        work,
        "saml",
        name,
        connection_id=connection_id,
        settings=provider.as_settings() | _changed(work, settings, options),
    )
    connection_keys.add(work, connection_id, "current", *_new_key(connection_id))
    return connection_id


def from_metadata(document: bytes) -> Provider:
    """Return the provider that metadata describes.

    :raises Invalid: When it cannot be used; the message says why.
    """
    try:
        return read_provider(document)
    except BadMetadata as error:
        raise Invalid(error.sentence, field="metadata") from None


def from_fields(
    entity_id: str, sso_url: str, certificates: Iterable[str], slo_url: str = ""
) -> Provider:
    """Return the provider that these fields describe (see ``metadata.provider_from_fields``).

    :raises Invalid: When one of them cannot be used.
    """
    try:
        return provider_from_fields(entity_id, sso_url, certificates, slo_url)
    except BadMetadata as error:
        raise Invalid(error.sentence) from None


def attribute_names(
    preset: str | None, pairs: Iterable[str], names: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what a provider calls attributes: as before, or as a preset says, with changes.

    :param preset: Whose names take the place of those there are.
    :param pairs: ``ours=theirs`` each; ``ours=`` takes one away.
    :param names: Those there are.
    :raises Invalid: When there is no such preset, or a pair is none.
    """
    if preset is not None and preset.lower() not in PRESETS:
        sentence = say("There are presets for: %(presets)s.", presets=list(PRESETS))
        raise Invalid(sentence, field="preset")
    changed = dict(PRESETS[preset.lower()] if preset else names or {})
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals:
            sentence = say("%(pair)r is no pair such as email=mail.", pair=pair)
            raise Invalid(sentence, field="attribute")
        changed[ours] = theirs
    return {ours: theirs for ours, theirs in changed.items() if theirs}


def with_certificates(account_id: str, name: str, text: str) -> Provider:
    """Return the provider of a connection as it is, but for the certificates it signs with.

    :param text: PEM, one certificate after the other.
    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When a certificate cannot be used.
    """
    stored = connections.find_saml(account_id, name).settings
    try:
        return metadata.with_certificates(Provider.from_settings(stored), [text])
    except BadMetadata as error:
        raise Invalid(error.sentence, field="certificates") from None


def configure(work: Work, name: str, **changes: Any) -> dict[str, Any]:
    """Change options of a connection, named or by its id, and return them all.

    :param changes: As the options of :func:`register`.
    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When an option cannot be.
    :raises Forbidden: When the actor may not say that it may give a role.
    """
    row = connections.find_saml(work.account_id, name)
    changed = _changed(work, row.settings, changes)
    connections.replace_settings(work, row.id, row.settings | changed)
    return changed


def renew_metadata(work: Work, name: str, provider: Provider) -> None:
    """Take over what a connection's provider says anew, such as its new certificate.

    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When it is another provider.
    """
    row = connections.find_saml(work.account_id, name)
    renewal.check_same(row.settings, provider)
    connections.replace_settings(work, row.id, row.settings | provider.as_settings())


def announce_key(work: Work, name: str) -> None:
    """Put a new key of ours beside the current one, in our metadata and for decryption.

    :raises NotFound: When the account has no such SAML connection.
    :raises Invalid: When a new one is announced already.
    """
    row = connections.find_saml(work.account_id, name)
    connection_keys.announce(work, row.id, *_new_key(row.id))


def fetch_metadata(url: str) -> bytes:
    """Return the metadata at an address.

    :raises Invalid: When it cannot be fetched; the message says why.
    """
    from saml import fetch  # It needs an HTTP client, which nothing else does: a quicker start.

    try:
        return fetch.get(url)
    except BadMetadata as error:
        raise Invalid(error.sentence, field="metadata") from None


def _new_key(connection_id: str) -> tuple[str, str]:
    """Return the certificate of a new key pair, and its private key, sealed."""
    key, certificate = new_key_pair(f"Gatehouse {connection_id}")
    return certificate, seal(app_settings().secret_key, connection_id, key)


def _changed(work: Work, settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return what is set of a connection, apart from its provider, with some changed."""
    url = changes.pop("metadata_url", settings.get("metadata_url", ""))
    good = url.startswith("https://") and url.isprintable() and len(url) <= bounds.TEXT_LENGTH
    if url and not good:
        sentence = say("Metadata is read anew from https:// addresses only.")
        raise Invalid(sentence, field="metadata_url")
    if "may_give" in changes:
        may_give = settings.get("may_give", ())
        changes["may_give"] = direct_roles.agreed(work, changes["may_give"], may_give)
    options = Options.from_settings(settings).changed(**changes)
    return options.as_settings() | {"metadata_url": url}
