"""Metadata (SAML metadata 2.0): the provider's, read with suspicion, and our own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, md, saml, samlp, xmldsig
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_PERSISTENT

from app.store.types import now
from saml.errors import BadMetadata, Refused
from saml.keys import certificate_body, certificate_pem
from saml.xml import DS, MD, name, parse

MAX_BYTES = 2 * 1024 * 1024
MAX_TEXT = 1024
MAX_CERTIFICATES = 10
"""Most certificates of a provider: a signature is tried with each."""


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

    def as_settings(self) -> dict[str, Any]:
        return asdict(self) | {"certificates": list(self.certificates)}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Provider:
        return cls(
            settings["entity_id"],
            settings["sso_redirect"],
            settings["sso_post"],
            tuple(settings["certificates"]),
        )


def read_provider(document: bytes) -> Provider:
    """Read the metadata of an identity provider.

    :raises BadMetadata: When it cannot be used; the message says what is missing.
    """
    try:
        root = parse(document, comments=True, limit=MAX_BYTES)
    except Refused as error:
        raise BadMetadata(f"The metadata cannot be read: {error}.") from None
    entity = _the_entity(root)
    (descriptor,) = entity.findall(name(MD, "IDPSSODescriptor"))
    for element in (descriptor, *descriptor.iterancestors()):
        _check_validity(element)
    provider = Provider(
        entity_id=_bounded(entity.get("entityID"), "entityID"),
        sso_redirect=_location(descriptor, BINDING_HTTP_REDIRECT),
        sso_post=_location(descriptor, BINDING_HTTP_POST),
        certificates=_signing_certificates(descriptor),
    )
    if not provider.sso_redirect and not provider.sso_post:
        raise BadMetadata("The metadata names no sign-in address by HTTP-Redirect or HTTP-POST.")
    return provider


def own_metadata(entity_id: str, acs_url: str, certificate: str) -> str:
    """Return the metadata that an administrator gives to the provider, as XML text.

    :param entity_id: Our name at this provider: the URL of this very metadata.
    :param certificate: PEM of the key we sign requests with.
    """
    x509 = xmldsig.X509Data(
        x509_certificate=xmldsig.X509Certificate(text=certificate_body(certificate))
    )
    descriptor = md.SPSSODescriptor(
        protocol_support_enumeration=samlp.NAMESPACE,
        authn_requests_signed="true",
        want_assertions_signed="true",
        key_descriptor=[
            md.KeyDescriptor(use=use, key_info=xmldsig.KeyInfo(x509_data=[x509]))
            for use in ("signing", "encryption")
        ],
        name_id_format=[
            md.NameIDFormat(text=each)
            for each in (
                NAMEID_FORMAT_EMAILADDRESS,
                NAMEID_FORMAT_PERSISTENT,
                saml.NAMEID_FORMAT_UNSPECIFIED,
            )
        ],
        assertion_consumer_service=[
            md.AssertionConsumerService(
                binding=BINDING_HTTP_POST, location=acs_url, index="0", is_default="true"
            )
        ],
    )
    return str(md.EntityDescriptor(entity_id=entity_id, spsso_descriptor=descriptor))


def _the_entity(root: etree._Element) -> etree._Element:
    """Return the one identity provider in the document."""
    entities = [
        entity
        for entity in root.iter(name(MD, "EntityDescriptor"))
        if len(entity.findall(name(MD, "IDPSSODescriptor"))) == 1
    ]
    if len(entities) != 1:
        raise BadMetadata(
            f"The metadata describes {len(entities)} identity providers; give that of one."
        )
    return entities[0]


def _check_validity(element: etree._Element) -> None:
    until = element.get("validUntil")
    if until is None:
        return
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise BadMetadata("The metadata has a validUntil that is no date.") from None
    if (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now():
        raise BadMetadata(f"The metadata was valid until {until}. Fetch it anew.")


def _location(descriptor: etree._Element, binding: str) -> str | None:
    for service in descriptor.findall(name(MD, "SingleSignOnService")):
        location = service.get("Location", "")
        if service.get("Binding") == binding:
            if not location.startswith(("https://", "http://")):
                raise BadMetadata("The metadata has a sign-in address that is no web address.")
            return _bounded(location, "sign-in address")
    return None


def _signing_certificates(descriptor: etree._Element) -> tuple[str, ...]:
    found: list[str] = []
    for key in descriptor.findall(name(MD, "KeyDescriptor")):
        if key.get("use", "signing") != "signing":
            continue
        for certificate in key.iter(name(DS, "X509Certificate")):
            try:
                found.append(certificate_pem(certificate.text or ""))
            except ValueError as error:
                raise BadMetadata(f"A signing certificate cannot be used: {error}.") from None
    certificates = tuple(dict.fromkeys(found))
    if not certificates:
        raise BadMetadata("The metadata names no signing certificate.")
    if len(certificates) > MAX_CERTIFICATES:
        raise BadMetadata(f"The metadata names more than {MAX_CERTIFICATES} signing certificates.")
    return certificates


def _bounded(text: str | None, what: str) -> str:
    if not text or len(text) > MAX_TEXT:
        raise BadMetadata(f"The metadata has no usable {what}.")
    return text
