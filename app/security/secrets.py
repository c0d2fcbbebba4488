"""Secrets: made at random, stored hashed or encrypted, shown once."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def new_secret() -> str:
    """Return a secret of 256 random bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a random secret: its SHA-256, hexadecimal.

    A secret of 256 random bits needs no slow hash, and looking its digest up in an index tells
    an attacker's clock nothing about the secret.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class SealError(Exception):
    """A sealed text cannot be opened: another secret key, or an altered row."""


def seal(secret_key: str, purpose: str, text: str) -> str:
    """Encrypt a text we must read again (AES-256-GCM), such as a private key.

    :param purpose: Where it belongs, such as the id of its row. It opens nowhere else.
    """
    nonce = os.urandom(12)
    cipher = AESGCM(_key(secret_key))
    sealed = cipher.encrypt(nonce, text.encode(), purpose.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(secret_key: str, purpose: str, sealed: str) -> str:
    """Return the text that :func:`seal` encrypted.

    :raises SealError: When it was sealed with another key or for another purpose.
    """
    try:
        raw = base64.b64decode(sealed)
        return AESGCM(_key(secret_key)).decrypt(raw[:12], raw[12:], purpose.encode()).decode()
    except (InvalidTag, ValueError):  # ValueError: not even base64, or cut short
        raise SealError(
            "The secret key does not open it. Was GATEHOUSE_SECRET_KEY changed?"
        ) from None


def derived_key(secret_key: str, purpose: str) -> bytes:
    """Return the key of 32 bytes for one purpose (HKDF, RFC 5869); it tells nothing of others."""
    info = f"gatehouse {purpose}".encode()
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=info)
    return derivation.derive(secret_key.encode())


def _key(secret_key: str) -> bytes:
    return derived_key(secret_key, "sealed secrets")
