"""A provider's metadata is read with suspicion."""

import base64
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from saml.errors import BadMetadata
from saml.keys import certificate_body
from saml.metadata import (
    MAX_BYTES,
    MAX_CERTIFICATES,
    Endpoint,
    Provider,
    provider_from_fields,
    read_provider,
)
from tests.saml.provider import ENTITY_ID, SLO, SSO, at


def test_good_metadata(provider):
    found = read_provider(provider.metadata())
    assert (found.entity_id, found.sso_redirect, found.sso_post) == (ENTITY_ID, SSO, None)
    assert found.certificates == (provider.certificate,)


def test_metadata_in_a_list_of_one_with_comments(provider):
    inner = provider.metadata().decode()
    document = f"""<?xml version="1.0"?><!-- ours --><md:EntitiesDescriptor
      xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{inner}</md:EntitiesDescriptor>"""
    assert read_provider(document.encode()).entity_id == ENTITY_ID


def certificate_of(key) -> str:
    """The base64 of a certificate a key signed itself."""
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2040, 1, 1))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )
    return certificate_body(certificate.public_bytes(serialization.Encoding.PEM).decode())


def altered(body: str, old: bytes, new: bytes) -> str:
    der = base64.b64decode(body)
    assert old in der
    return base64.b64encode(der.replace(old, new, 1)).decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "", "cannot be read"),
        (lambda text: "<a", "cannot be read"),
        (lambda text: "<a/>", "describes 0 identity providers"),
        (lambda text: f"<x>{text}{text}</x>", "describes 2 identity providers"),
        (lambda text: "<!DOCTYPE a>" + text, "DOCTYPE"),
        (lambda text: text + " " * MAX_BYTES, "larger than"),
        (lambda text: text.replace(f'entityID="{ENTITY_ID}"', ""), "no usable entityID"),
        (lambda text: text.replace(ENTITY_ID, "x" * 2000), "no usable entityID"),
        (lambda text: text.replace(SSO, "javascript:alert(1)"), "no web address"),
        (lambda text: text.replace(SSO, "https://x.example; script-src *"), "no web address"),
        (lambda text: text.replace(SSO, "https://x.example&#10;X: y"), "no web address"),
        (lambda text: text.replace(SSO, "https://ada@x.example"), "no web address"),
        (lambda text: text.replace("HTTP-Redirect", "SOAP"), "no sign-in address"),
        (lambda text: text.replace('use="signing"', 'use="encryption"'), "no signing certificate"),
        (lambda text: text.replace("MII", "***"), "cannot be used"),
        (lambda text: text.replace("entityID", 'validUntil="soon" entityID'), "no date"),
    ],
)
def test_bad_metadata(provider, change, says):
    with pytest.raises(BadMetadata, match=says):
        read_provider(change(provider.metadata().decode()).encode())


def with_certificates(provider, *bodies: str) -> bytes:
    element = "</ds:X509Certificate><ds:X509Certificate>".join(bodies)
    return provider.metadata().replace(
        certificate_body(provider.certificate).encode(), element.encode()
    )


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP192R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa-1024", "p-192", "ed25519"],
)
def test_weak_and_other_keys(provider, key):
    with pytest.raises(BadMetadata, match="too weak, or of another kind"):
        read_provider(with_certificates(provider, certificate_of(key)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010163")),
        (bytes.fromhex("a003020102"), bytes.fromhex("a003020130")),
    ],
    ids=["kind of key", "version"],
)
def test_a_certificate_of_an_unknown(provider, old, new):
    body = altered(certificate_body(provider.certificate), old, new)
    with pytest.raises(BadMetadata, match="cannot be used"):
        read_provider(with_certificates(provider, body))


def test_more_certificates_than_anyone_needs(provider):
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(MAX_CERTIFICATES + 1)]
    bodies = [certificate_of(key) for key in keys]
    assert len(read_provider(with_certificates(provider, *bodies[1:])).certificates) == 10
    with pytest.raises(BadMetadata, match="more than 10"):
        read_provider(with_certificates(provider, *bodies))


@pytest.mark.parametrize("element", ["md:EntityDescriptor", "md:IDPSSODescriptor"])
def test_what_is_no_longer_valid(provider, element):
    document = provider.metadata().decode()
    document = document.replace(f"<{element} ", f'<{element} validUntil="{at(-5)}" ', 1)
    with pytest.raises(BadMetadata, match="was valid until"):
        read_provider(document.encode())


def test_where_to_log_out(provider):
    assert read_provider(provider.metadata()).slo_redirect is None
    provider.logout = "HTTP-POST"
    found = read_provider(provider.metadata())
    assert found.slo_redirect is None
    assert found.slo_post == Endpoint(SLO, f"{SLO}/answers")
    assert Provider.from_settings(found.as_settings()) == found


def test_a_provider_is_described_by_fields(provider):
    bare = certificate_body(provider.certificate)
    found = provider_from_fields(f" {ENTITY_ID} ", SSO, [provider.certificate, bare], SLO)
    assert found == Provider(
        ENTITY_ID, SSO, None, (provider.certificate,), slo_redirect=Endpoint(SLO, SLO)
    )
    assert provider_from_fields(ENTITY_ID, SSO, [bare]).slo_redirect is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("", SSO, ["good"]), "no usable entity id"),
        ((ENTITY_ID, "javascript:x", ["good"]), "no web address"),
        ((ENTITY_ID, SSO, []), "no signing certificate"),
        ((ENTITY_ID, SSO, ["!"]), "cannot be used: it is damaged"),
        ((ENTITY_ID, SSO, ["good"], "//x"), "no web address"),
    ],
)
def test_fields_that_cannot_be_used(provider, fields, says):
    entity_id, sso_url, certificates, *more = fields
    given = [provider.certificate if each == "good" else each for each in certificates]
    with pytest.raises(BadMetadata, match=says):
        provider_from_fields(entity_id, sso_url, given, *more)
