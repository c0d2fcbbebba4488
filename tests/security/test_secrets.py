"""Secrets: hashed, or sealed for one purpose."""

from __future__ import annotations

import base64

import pytest

from app.security.passwords import hash_password
from app.security.secrets import SealError, digest, new_secret, seal, unseal
from app.security.tokens import new_token

KEY = "a key for tests alone, 32 characters and more"


def test_secrets_are_random_and_long():
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == 43


def test_a_token_starts_with_its_prefix():
    token, prefix = new_token()
    assert token.startswith(f"{prefix}_")
    assert prefix.startswith("gh_")
    assert len(token) > len(prefix) + 43


def test_a_digest_is_sha256_of_any_text():
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(digest("\ud800\0")) == 64


def test_passwords_are_salted():
    assert hash_password("correct horse") != hash_password("correct horse")
    assert hash_password("correct horse").startswith("$argon2id$")


@pytest.mark.parametrize("text", ["", "private key", "ключ 🔑", "x" * 10_000])
def test_a_sealed_text_opens_for_its_purpose(text):
    assert unseal(KEY, "connection 1", seal(KEY, "connection 1", text)) == text


def test_a_sealed_text_hides_the_text_and_differs_each_time():
    sealed = seal(KEY, "connection 1", "private key")
    assert "private key" not in sealed
    assert sealed != seal(KEY, "connection 1", "private key")


def test_it_opens_nowhere_else():
    sealed = seal(KEY, "connection 1", "private key")
    raw = bytearray(base64.b64decode(sealed))
    raw[-1] ^= 1
    altered = base64.b64encode(raw).decode()
    for key, purpose, text in (
        (KEY, "connection 2", sealed),
        (KEY + "!", "connection 1", sealed),
        (KEY, "connection 1", altered),
        (KEY, "connection 1", ""),
        (KEY, "connection 1", sealed[:8]),
        (KEY, "connection 1", "not base64 at all"),
        (KEY, "connection 1", "é"),
    ):
        with pytest.raises(SealError):
            unseal(key, purpose, text)
