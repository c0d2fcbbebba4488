"""Metadata is fetched from public addresses alone, over TLS, within bounds of size and time."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.directory.errors import Invalid
from app.security import outbound
from saml import fetch
from saml.errors import BadMetadata
from saml.metadata import MAX_BYTES
from saml.setup import fetch_metadata


@pytest.fixture
def resolves(monkeypatch):
    """Let every name resolve to these addresses."""

    def to(*addresses):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
        monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *args, **kwargs: found)

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
        "64:ff9b::7f00:1",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "::7f00:1",
        "ff02::1",
    ],
)
def test_a_private_address_is_not_asked(resolves, monkeypatch, address):
    resolves("93.184.216.34", address)
    monkeypatch.setattr(outbound, "_Pinned", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(BadMetadata, match="not a public one"):
        fetch.get("https://idp.example/metadata")


def test_a_name_that_nobody_has_is_said():
    with pytest.raises(BadMetadata, match=r"idp\.invalid cannot be found"):
        fetch.get("https://idp.invalid/metadata")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and certificate of idp.example, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("idp.example")]), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "idp.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def site(certificate, monkeypatch):
    """A web server that has the public address of every name, and answers as it is told.

    ``site(*pieces)`` gives its port and what it was asked; ``pause`` is the time between pieces.
    """
    monkeypatch.setattr(outbound, "allowed_address", lambda *_, **__: "127.0.0.1")
    monkeypatch.setattr(outbound, "_trusted_authorities", lambda: str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    @contextmanager
    def answering(*pieces: bytes, pause: float = 0, handshake: bool = True):
        asked: list[bytes] = []

        def serve():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    if not handshake:
                        time.sleep(0.8)
                        return
                    with tls.wrap_socket(connection, server_side=True) as secure:
                        asked.append(secure.recv(4096))
                        for piece in pieces:
                            secure.sendall(piece)
                            time.sleep(pause)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            yield listener.getsockname()[1], asked
        thread.join(10)

    return answering


OK = b"HTTP/1.1 200 OK\r\n"


def test_the_checked_address_is_asked_by_its_name(site):
    with site(OK + b"Content-Length: 4\r\n\r\n<x/>") as (port, asked):
        assert fetch.get(f"https://idp.example:{port}/metadata?a=b#c") == b"<x/>"
    request = asked[0].decode()
    assert request.startswith("GET /metadata?a=b HTTP/1.1\r\n")
    assert f"Host: idp.example:{port}\r\n" in request


def test_the_certificate_must_be_that_of_the_name(site):
    with (
        site(OK) as (port, asked),
        pytest.raises(BadMetadata, match="Hostname mismatch"),
    ):
        fetch.get(f"https://other.example:{port}/metadata")
    assert asked == []


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500])
def test_redirects_and_errors_are_not_followed(site, status):
    head = f"HTTP/1.1 {status} X\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with site(head.encode()) as (port, _), pytest.raises(BadMetadata, match=str(status)):
        fetch.get(f"https://idp.example:{port}/m")


@pytest.mark.parametrize("length", [b"Content-Length: 99999999\r\n", b""])
def test_a_huge_document(site, length):
    with (
        site(OK + length + b"\r\n", b"x" * (MAX_BYTES + 1)) as (port, _),
        pytest.raises(BadMetadata, match="larger"),
    ):
        fetch.get(f"https://idp.example:{port}/m")


def test_half_a_document(site):
    with (
        site(OK + b"Content-Length: 9\r\n\r\n<x/>") as (port, _),
        pytest.raises(BadMetadata, match="not arrive in full"),
    ):
        fetch.get(f"https://idp.example:{port}/m")


@pytest.mark.parametrize(
    "pieces",
    [
        [OK + b"\r\n", *[b" "] * 50],
        [OK + b"Content-Length: 50\r\n\r\n", *[b" "] * 50],
        [OK, *[b"A: b\r\n"] * 50],
        [b"H"] * 50,
    ],
    ids=["body", "body of known length", "headers", "status"],
)
def test_a_document_that_drips(site, monkeypatch, pieces):
    """Each byte comes well within the timeout of a socket, and yet there is an end."""
    monkeypatch.setattr(outbound, "SECONDS", 0.3)
    with site(*pieces, pause=0.05) as (port, _):
        began = time.monotonic()
        with pytest.raises(BadMetadata):
            fetch.get(f"https://idp.example:{port}/m")
        assert time.monotonic() - began < 1.5


def test_a_handshake_that_never_ends(site, monkeypatch):
    monkeypatch.setattr(outbound, "SECONDS", 0.3)
    with site(handshake=False) as (port, _):
        began = time.monotonic()
        with pytest.raises(BadMetadata, match="no answer in time"):
            fetch.get(f"https://idp.example:{port}/m")
        assert time.monotonic() - began < 0.7
