"""Our own key of each connection, and certificates: ours, and those of providers."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

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

from app.store.types import now
from app.words import say

KEY_BITS = 3072
SMALLEST_RSA_BITS = 2048
SMALLEST_EC_BITS = 256
LIFETIME = timedelta(days=3650)
SOON = timedelta(days=30)
"""How long before its end somebody is told of a certificate."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
"""Nothing of a certificate is a dash, so that a beginning without an end is read once."""


def new_key_pair(common_name: str) -> tuple[str, str]:
    """Return a new private key and a certificate it signed itself, both as PEM text.

    Providers compare the certificate as it stands; nobody checks who issued it.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    at = now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + LIFETIME)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, certificate.public_bytes(Encoding.PEM).decode()


def certificate_pem(base64_text: str) -> str:
    """Return the PEM form of a certificate as metadata carries it (base64, any line breaks).

    :raises ValueError: When it is no certificate, or its key is too weak.
    """
    try:
        der = base64.b64decode("".join(base64_text.split()), validate=True)
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):  # in the library's words
        raise ValueError(
            say("it is damaged or no X.509 certificate; get it from the provider once more")
        ) from None
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


def certificates_in(text: str) -> list[str]:
    """Return each certificate in a text that holds one after the other, or bare base64 of one."""
    return _PEM.findall(text) or [text]


def described(pem: str) -> dict[str, Any]:
    """Return what an administrator tells a certificate by, and until when it is valid."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return {
        "pem": pem,
        "sha256": certificate.fingerprint(SHA256()).hex(),
        "not_before": certificate.not_valid_before_utc,
        "not_after": certificate.not_valid_after_utc,
        "ends_soon": certificate.not_valid_after_utc < now() + SOON,
    }
