"""Our own key of each connection, and the certificate that carries it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from app.words import say

KEY_BITS = 3072
SMALLEST_RSA_BITS = 2048
SMALLEST_EC_BITS = 256
LIFETIME = timedelta(days=3650)


def new_key_pair(common_name: str) -> tuple[str, str]:
    """Return a new private key and a certificate it signed itself, both as PEM text.

    Providers compare the certificate as it stands; nobody checks who issued it.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, certificate.public_bytes(Encoding.PEM).decode()


def certificate_pem(base64_text: str) -> str:
    """Return the PEM form of a certificate as metadata carries it (base64, any line breaks).

    :raises ValueError: When it is no certificate, or its key is too weak.
    """
    der = base64.b64decode("".join(base64_text.split()), validate=True)
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError(str(error)) from None
    if not _is_strong(key):
        raise ValueError(
            say("the key of a certificate is too weak, or of another kind than RSA or EC")
        )
    return certificate.public_bytes(Encoding.PEM).decode()


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= SMALLEST_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= SMALLEST_EC_BITS


def certificate_body(pem: str) -> str:
    """Return the base64 of a PEM certificate without its armour, as metadata carries it."""
    return "".join(line for line in pem.splitlines() if "-----" not in line)
