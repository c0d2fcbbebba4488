"""Proving with a second factor who one is: the session becomes a sign-in, with a new secret.

Somebody who is signed in may prove it once more, before they change their factors.
"""

from __future__ import annotations

from typing import Any

from app.directory import attempts, factors, recovery_codes, totp
from app.directory.attempts import Counted
from app.directory.errors import Forbidden
from app.directory.work import Actor, Target, Work, record_refusal, transaction
from app.security.sessions import Person
from app.settings import Settings
from app.words import say

FREE_FAILURES = 5
"""How many wrong codes make nobody wait. From then on each next one waits longer."""


class WrongCode(Forbidden):
    """The code is wrong or was used. It does not say which."""

    def __init__(self) -> None:
        super().__init__(say("This code is not right, or was used before."))


def with_code(person: Person, actor: Actor, text: str, settings: Settings) -> str:
    """Prove with the digits an app shows or with a recovery code; return the session's new secret.

    :raises WrongCode: When it is none of theirs, or was used.
    :raises TooManyAttempts: After too many wrong ones; digits and recovery codes are counted apart.
    :raises NotFound: When the session has ended.
    """
    code = recovery_codes.plain(text)
    kind = "totp" if totp.is_code(code) else "recovery_code"
    tried = [counted(person.account_id, person.user_id, kind)]
    attempts.begin(tried)
    try:
        with transaction(person.account_id, actor) as work:
            if not _use(work, person, kind, code, settings):
                raise WrongCode
            secret = factors.note_used(work, person, kind)
    except WrongCode as wrong:
        _refused(person, actor, f"{kind}: {wrong}")
        raise
    attempts.succeeded(tried)
    return secret


def with_passkey(
    person: Person, actor: Actor, credential: dict[str, Any], settings: Settings
) -> str:
    """Prove with what a passkey signed, and return the session's new secret.

    Nobody guesses a signature, so failures make nobody wait.

    :param credential: An ``AuthenticationResponseJSON`` (WebAuthn §5.1.8).
    :raises NoProof: When it is no passkey of theirs, or proves nothing here and now.
    :raises NotFound: When the session has ended.
    """
    from app.directory import passkeys  # It brings a large library, which few processes need.

    try:
        passkey_id, sign_count = passkeys.check(person, credential, settings)
        with transaction(person.account_id, actor) as work:
            passkeys.note_use(work, passkey_id, sign_count)
            return factors.note_used(work, person, "passkey")
    except passkeys.NoProof as no_proof:
        _refused(person, actor, f"passkey: {no_proof.why}")
        raise


def counted(account_id: str, user_id: str, kind: str) -> Counted:
    """Return as what the failures of a user are counted."""
    return Counted(f"second factor:{account_id}:{user_id}:{kind}", FREE_FAILURES)


def _use(work: Work, person: Person, kind: str, code: str, settings: Settings) -> bool:
    if kind == "totp":
        return totp.use(work, person.user_id, code, settings.secret_key)
    return recovery_codes.use(work, person.user_id, code)


def _refused(person: Person, actor: Actor, reason: str) -> None:
    target = Target("user", person.user_id, person.user_name)
    record_refusal(person.account_id, actor, "second_factor.refused", reason, target)
