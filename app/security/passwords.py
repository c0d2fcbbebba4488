"""Passwords: argon2id, with the library's current parameters."""

from argon2 import PasswordHasher

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, parameters and salt included."""
    return _hasher.hash(password)
