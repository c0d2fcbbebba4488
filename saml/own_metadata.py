"""Our own metadata at one connection: what an administrator gives to the provider."""

from __future__ import annotations

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, md, samlp, xmldsig

from saml.connections import SamlConnection
from saml.crypto import sign
from saml.keys import certificate_body
from saml.options import NAME_ID_FORMATS
from saml.requests import new_message_id


def own_metadata(connection: SamlConnection, *, signed: bool = False) -> str:
    """Return the metadata, as XML text.

    While a new key of ours is announced it names both: the current one first.
    """
    certificates = connection.certificates()
    descriptor = md.SPSSODescriptor(
        protocol_support_enumeration=samlp.NAMESPACE,
        authn_requests_signed=str(connection.options.sign_requests).lower(),
        want_assertions_signed="true",
        key_descriptor=[
            _key(use, each) for use in ("signing", "encryption") for each in certificates
        ],
        single_logout_service=[
            md.SingleLogoutService(binding=binding, location=connection.slo_url)
            for binding in (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST)
        ],
        name_id_format=[md.NameIDFormat(text=each) for each in _name_id_formats(connection)],
        assertion_consumer_service=[
            md.AssertionConsumerService(
                binding=BINDING_HTTP_POST, location=connection.acs_url, index="0", is_default="true"
            )
        ],
    )
    message_id = new_message_id()
    entity = md.EntityDescriptor(
        entity_id=connection.entity_id,
        spsso_descriptor=descriptor,
        id=message_id if signed else None,
    )
    return sign(str(entity), connection.signing_key(), message_id) if signed else str(entity)


def _key(use: str, certificate: str) -> md.KeyDescriptor:
    x509 = xmldsig.X509Certificate(text=certificate_body(certificate))
    key_info = xmldsig.KeyInfo(x509_data=[xmldsig.X509Data(x509_certificate=x509)])
    return md.KeyDescriptor(use=use, key_info=key_info)


def _name_id_formats(connection: SamlConnection) -> tuple[str, ...]:
    wanted = connection.options.name_id_format
    return (wanted,) if wanted else NAME_ID_FORMATS
