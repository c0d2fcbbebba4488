"""Which passwords are refused, and that comparing says nothing but yes or no."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from app.security.passwords import LONGEST, WeakPassword, check, hash_password, is_outdated, verify

GOOD = "heron plinth otter quarry"


def test_a_good_one_passes():
    assert check(GOOD, ("ada@example.com", "Ada", "Acme", None)) == GOOD


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("kX9#mQ2$", "12 characters or more"),
        ("x" * (LONGEST + 1), "at the most"),
        ("password1234", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("qwertyuiop12345", "easy to guess"),
        ("ada.lovelace.1815", "easy to guess"),
        ("AcmeMediaLibrary", "easy to guess"),
    ],
)
def test_one_that_is_easily_guessed_is_refused(password, said):
    with pytest.raises(WeakPassword, match=said):
        check(password, ("ada.lovelace.1815@example.com", "Ada", "Acme Media Library", "AcmeMedia"))


def test_long_ones_are_judged_quickly():
    check(GOOD + "\u0301" * (LONGEST - len(GOOD)))


def test_only_the_right_one_verifies():
    stored = hash_password(GOOD)
    assert stored.startswith("$argon2id$")
    assert verify(stored, GOOD)
    assert not verify(stored, GOOD + " ")
    assert not verify(None, GOOD)
    assert not verify("no hash", GOOD)


def test_an_old_hash_is_seen_as_such():
    assert not is_outdated(hash_password(GOOD))
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD))
