"""A provider's metadata is read with suspicion, and fetched with more."""

import socket
from datetime import datetime

import pytest
import responses as http
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256

from app.directory.errors import Invalid
from saml import fetch
from saml.connections import fetch_metadata
from saml.errors import BadMetadata
from saml.keys import certificate_body
from saml.metadata import MAX_BYTES, read_provider
from tests.saml.provider import ENTITY_ID, SSO, at


def test_good_metadata(provider):
    found = read_provider(provider.metadata())
    assert (found.entity_id, found.sso_redirect, found.sso_post) == (ENTITY_ID, SSO, None)
    assert found.certificates == (provider.certificate,)


def test_metadata_in_a_list_of_one_with_comments(provider):
    inner = provider.metadata().decode()
    document = f"""<?xml version="1.0"?><!-- ours --><md:EntitiesDescriptor
      xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{inner}</md:EntitiesDescriptor>"""
    assert read_provider(document.encode()).entity_id == ENTITY_ID


def weak_certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2040, 1, 1))
        .sign(key, SHA256())
    )
    return certificate_body(certificate.public_bytes(serialization.Encoding.PEM).decode())


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
        (lambda text: text.replace("HTTP-Redirect", "SOAP"), "no sign-in address"),
        (lambda text: text.replace('use="signing"', 'use="encryption"'), "no signing certificate"),
        (lambda text: text.replace("MII", "***"), "cannot be used"),
        (
            lambda text: text.replace("entityID", f'validUntil="{at(-5)}" entityID'),
            "was valid until",
        ),
        (lambda text: text.replace("entityID", 'validUntil="soon" entityID'), "no date"),
    ],
)
def test_bad_metadata(provider, change, says):
    with pytest.raises(BadMetadata, match=says):
        read_provider(change(provider.metadata().decode()).encode())


def test_a_weak_certificate(provider):
    body = certificate_body(provider.certificate)
    document = provider.metadata().decode().replace(body, weak_certificate())
    with pytest.raises(BadMetadata, match="too weak"):
        read_provider(document.encode())


@pytest.fixture
def resolves(monkeypatch):
    """Let every name resolve to these addresses."""

    def to(*addresses):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
        monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda *args, **kwargs: found)

    return to


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/metadata",
        "ftp://idp.example/metadata",
        "file:///etc/passwd",
        "https://user:secret@idp.example/",
        "https://",
        "https://idp.example:port/",
        "https://[::1",
    ],
)
def test_only_https_is_fetched(url):
    with pytest.raises(Invalid):
        fetch_metadata(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "192.168.1.1",
    ],
)
def test_a_private_address_is_not_asked(resolves, address):
    resolves("93.184.216.34", address)
    with http.RequestsMock(), pytest.raises(BadMetadata, match="not a public one"):
        fetch.get("https://idp.example/metadata")


def test_the_checked_address_is_the_one_asked(resolves):
    resolves("93.184.216.34")
    with http.RequestsMock() as mock:
        mock.get("https://93.184.216.34:443/metadata?a=b", body=b"<x/>")
        assert fetch.get("https://idp.example/metadata?a=b#c") == b"<x/>"
        assert mock.calls[0].request.headers["Host"] == "idp.example"


@pytest.mark.parametrize("status", [301, 302, 404, 500])
def test_redirects_and_errors_are_not_followed(resolves, status):
    resolves("93.184.216.34")
    with http.RequestsMock() as mock:
        headers = {"Location": "https://127.0.0.1/"}
        mock.get("https://93.184.216.34:443/m", status=status, headers=headers)
        with pytest.raises(BadMetadata, match=str(status)):
            fetch.get("https://idp.example/m")


def test_a_huge_document(resolves):
    resolves("93.184.216.34")
    with http.RequestsMock() as mock:
        mock.get("https://93.184.216.34:443/m", body=b"x" * (MAX_BYTES + 1))
        with pytest.raises(BadMetadata, match="larger"):
            fetch.get("https://idp.example/m")


def test_a_slow_document(resolves, monkeypatch):
    resolves("93.184.216.34")
    monkeypatch.setattr(fetch, "SECONDS", 0)
    with http.RequestsMock() as mock:
        mock.get("https://93.184.216.34:443/m", body=b"x" * 100_000)
        with pytest.raises(BadMetadata):
            fetch.get("https://idp.example/m")
