"""Passwords: argon2id with the library's current parameters, and none that is easily guessed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.security.secrets import new_secret
from app.words import Said, say

SHORTEST, LONGEST = 12, 256
"""In characters."""
JUDGED = 72
"""How many characters are judged: judging takes quadratic time, and more make none easier."""
GUESSABLE_BELOW = 3
"""Of zxcvbn's scores from 0 to 4: 3 stands for more than 10^8 guesses."""

_hasher = PasswordHasher()


class WeakPassword(ValueError):
    """The password is refused. The message says what to do."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, parameters and salt included."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password is that of a hash.

    It takes as long where there is no hash: how long an answer takes says nothing about who exists.
    """
    try:
        return _hasher.verify(stored or _hash_of_nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def check(password: str, about: Iterable[str | None] = ()) -> str:
    """Return a password that is good enough.

    :param about: What somebody who guesses knows of the person: names, addresses, the account.
    :raises WeakPassword: When it is short, long, well known or easily guessed.
    """
    if len(password) < SHORTEST:
        raise WeakPassword(
            say(
                "Use %(limit)s characters or more. Four or five words are easy to keep.",
                limit=SHORTEST,
            )
        )
    if len(password) > LONGEST:
        raise WeakPassword(say("Use %(limit)s characters at the most.", limit=LONGEST))
    from zxcvbn import zxcvbn  # its lists of known passwords take a while to load

    from app.security.password_advice import advice

    words = [word[:JUDGED] for text in about if text for word in (text, *text.split("@"))]
    judged = zxcvbn(password[:JUDGED], user_inputs=words[:20], max_length=JUDGED)
    if judged["score"] < GUESSABLE_BELOW:
        told = judged["feedback"]
        raise WeakPassword(advice([told["warning"], *told["suggestions"]]))
    return password


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(new_secret())
