"""A provider's metadata (SAML metadata 2.0), read with suspicion. Ours: see ``own_metadata``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT

from app.store.types import now
from app.words import Said, say
from saml.errors import BadMetadata, Refused
from saml.keys import certificate_body, certificate_pem, certificates_in
from saml.xml import DS, MD, name, parse

MAX_BYTES = 2 * 1024 * 1024
MAX_TEXT = 1024
MAX_CERTIFICATES = 10
"""Most certificates of a provider: a signature is tried with each."""


# Its host stands in a header of ours, so nothing else may hide in it.
_WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+([/?][!-~]*)?")


@dataclass(frozen=True)
class Endpoint:
    """Where messages of one kind go by one binding."""

    location: str
    """For requests."""
    response_location: str
    """For responses: mostly the same."""


@dataclass(frozen=True)
class Provider:
    """What we keep of an identity provider."""

    entity_id: str
    sso_redirect: str | None
    """Where AuthnRequests go by HTTP-Redirect, if they may."""
    sso_post: str | None
    """Where AuthnRequests go by HTTP-POST, if they may."""
    certificates: tuple[str, ...]
    """The certificates it signs with, PEM; several while one replaces another."""
    slo_redirect: Endpoint | None = None
    """Where messages about logging out go by HTTP-Redirect, if they may."""
    slo_post: Endpoint | None = None

    def as_settings(self) -> dict[str, Any]:
        return asdict(self) | {"certificates": list(self.certificates)}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Provider:
        return cls(
            settings["entity_id"],
            settings["sso_redirect"],
            settings["sso_post"],
            tuple(settings["certificates"]),
            *(
                Endpoint(**settings[each]) if settings.get(each) else None
                for each in ("slo_redirect", "slo_post")
            ),
        )


def read_provider(document: bytes) -> Provider:
    """Read the metadata of an identity provider.

    :raises BadMetadata: When it cannot be used; the message says what is missing.
    """
    try:
        root = parse(document, comments=True, limit=MAX_BYTES)
    except Refused as error:
        raise BadMetadata(
            say("The metadata cannot be read: %(why)s.", why=error.sentence)
        ) from None
    entity = _the_entity(root)
    (descriptor,) = entity.findall(name(MD, "IDPSSODescriptor"))
    for element in (descriptor, *descriptor.iterancestors()):
        _check_validity(element)
    provider = Provider(
        entity_id=_bounded(entity.get("entityID"), say("entityID")),
        sso_redirect=_sign_in_address(descriptor, BINDING_HTTP_REDIRECT),
        sso_post=_sign_in_address(descriptor, BINDING_HTTP_POST),
        certificates=_distinct(_signing_certificates(descriptor)),
        slo_redirect=_endpoint(descriptor, "SingleLogoutService", BINDING_HTTP_REDIRECT),
        slo_post=_endpoint(descriptor, "SingleLogoutService", BINDING_HTTP_POST),
    )
    if not provider.sso_redirect and not provider.sso_post:
        raise BadMetadata(
            say("The metadata names no sign-in address by HTTP-Redirect or HTTP-POST.")
        )
    return provider


def provider_from_fields(
    entity_id: str, sso_url: str, certificates: Iterable[str], slo_url: str = ""
) -> Provider:
    """Return a provider that has no metadata, from what its pages show. Both go by HTTP-Redirect.

    :param certificates: As :func:`with_certificates` takes them.
    :raises BadMetadata: When one of the fields cannot be used.
    """
    described = Provider(
        entity_id=_bounded(entity_id.strip(), say("entity id")),
        sso_redirect=_address(sso_url),
        sso_post=None,
        certificates=(),
        slo_redirect=Endpoint(_address(slo_url), _address(slo_url)) if slo_url else None,
    )
    return with_certificates(described, certificates)


def with_certificates(provider: Provider, texts: Iterable[str]) -> Provider:
    """Return a provider that signs with other certificates from now on.

    :param texts: PEM, one or several each, or bare base64.
    :raises BadMetadata: When one of them cannot be used.
    """
    found = [_usable(certificate_body(each)) for text in texts for each in certificates_in(text)]
    return replace(provider, certificates=_distinct(found))


def _the_entity(root: etree._Element) -> etree._Element:
    """Return the one identity provider in the document."""
    entities = [
        entity
        for entity in root.iter(name(MD, "EntityDescriptor"))
        if len(entity.findall(name(MD, "IDPSSODescriptor"))) == 1
    ]
    if len(entities) != 1:
        raise BadMetadata(
            say(
                "The metadata describes %(count)s identity providers; give that of one.",
                count=len(entities),
            )
        )
    return entities[0]


def _check_validity(element: etree._Element) -> None:
    until = element.get("validUntil")
    if until is None:
        return
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise BadMetadata(say("The metadata has a validUntil that is no date.")) from None
    if (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now():
        raise BadMetadata(say("The metadata was valid until %(time)s. Fetch it anew.", time=until))


def _sign_in_address(descriptor: etree._Element, binding: str) -> str | None:
    endpoint = _endpoint(descriptor, "SingleSignOnService", binding)
    return endpoint.location if endpoint else None


def _endpoint(descriptor: etree._Element, service: str, binding: str) -> Endpoint | None:
    for element in descriptor.findall(name(MD, service)):
        if element.get("Binding") == binding:
            location = _address(element.get("Location", ""))
            return Endpoint(location, _address(element.get("ResponseLocation", location)))
    return None


def _address(location: str) -> str:
    if not _WEB_ADDRESS.fullmatch(location):
        raise BadMetadata(say("%(address)r is no web address.", address=location[:200]))
    try:
        # What a redirect there will do with it.
        parts = urlsplit(location)
        (parts.hostname or "").encode("idna")
        good = parts.port is None or parts.port > 0
    except ValueError:
        good = False
    if not good:
        raise BadMetadata(say("%(address)r is no web address.", address=location[:200]))
    return _bounded(location, say("address"))


def _signing_certificates(descriptor: etree._Element) -> Iterator[str]:
    for key in descriptor.findall(name(MD, "KeyDescriptor")):
        if key.get("use", "signing") == "signing":
            for certificate in key.iter(name(DS, "X509Certificate")):
                yield _usable(certificate.text or "")


def _usable(base64_text: str) -> str:
    try:
        return certificate_pem(base64_text)
    except ValueError as error:
        raise BadMetadata(
            say("A signing certificate cannot be used: %(why)s.", why=next(iter(error.args), ""))
        ) from None


def _distinct(found: Iterable[str]) -> tuple[str, ...]:
    certificates = tuple(dict.fromkeys(found))
    if not certificates:
        raise BadMetadata(say("The metadata names no signing certificate."))
    if len(certificates) > MAX_CERTIFICATES:
        raise BadMetadata(
            say(
                "The metadata names more than %(limit)s signing certificates.",
                limit=MAX_CERTIFICATES,
            )
        )
    return certificates


def _bounded(text: str | None, what: Said) -> str:
    if not text or len(text) > MAX_TEXT:
        raise BadMetadata(say("The metadata has no usable %(what)s.", what=what))
    return text
