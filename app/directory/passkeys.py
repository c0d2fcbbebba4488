"""Passkeys (Web Authentication, W3C Level 2): keys that a device of the person keeps.

What the device signs names a challenge of ours, good once within five minutes in one session, and
the address of the page; a page of somebody else gets nothing that works here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_client_data_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.directory import bounds, factors
from app.directory.errors import Forbidden, Invalid, Taken
from app.directory.work import Actor, Work, transaction
from app.security.secrets import digest
from app.security.sessions import Person
from app.settings import Settings
from app.store.database import db, write_transaction
from app.store.models import Passkey, Session
from app.store.types import new_id, now
from app.words import say

CHALLENGE_LIFETIME = timedelta(minutes=5)
PASSKEYS_LIMIT = 10
"""Most passkeys of one user."""
LARGEST_COUNT = 2**31 - 1
"""Of a passkey's uses, as far as every database can count."""
_TRANSPORTS = {each.value for each in AuthenticatorTransport}


class NoProof(Forbidden):
    """What a device signed proves nothing here."""

    def __init__(self, why: str) -> None:
        super().__init__(say("This passkey does not work here. Load the page again and retry."))
        self.why = why
        """For the audit log."""


def registration_options(person: Person, settings: Settings) -> dict[str, Any]:
    """Return what ``navigator.credentials.create`` takes, as JSON (§5.4), with a new challenge."""
    options = webauthn.generate_registration_options(
        rp_id=relying_party(settings),
        rp_name="Gatehouse",
        user_id=person.user_id.encode(),
        user_name=person.user_name,
        user_display_name=person.display_name,
        challenge=_new_challenge(person),
        timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(_stored(person)),
    )
    return options_to_json_dict(options)


def authentication_options(person: Person, settings: Settings) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` takes, as JSON (§5.5), with a new challenge."""
    options = webauthn.generate_authentication_options(
        rp_id=relying_party(settings),
        challenge=_new_challenge(person),
        timeout=int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        allow_credentials=_descriptors(_stored(person)),
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json_dict(options)


def register(
    person: Person, actor: Actor, credential: dict[str, Any], name: str, settings: Settings
) -> factors.Added:
    """Add the passkey that a device made for the last challenge (§7.1).

    :param credential: A ``RegistrationResponseJSON``.
    :raises NoProof: When it was not made for this challenge, here.
    :raises Invalid: When the name is too long, or the user has too many passkeys.
    :raises Taken: When it is known already.
    :raises Forbidden: When the person must prove first who they are.
    :raises NotFound: When the session has ended.
    """
    name = bounds.required("name", name, factors.LONGEST_NAME)
    made = _verified_registration(person, credential, settings)
    row = {
        "account_id": person.account_id,
        "id": new_id(),
        "user_id": person.user_id,
        "name": name,
        "credential_id": bounds.required(
            "credential id", bytes_to_base64url(made.credential_id), bounds.TEXT_LENGTH
        ),
        "public_key": bytes_to_base64url(made.credential_public_key),
        "sign_count": _countable(made.sign_count),
        "transports": ",".join(_transports(credential)),
    }
    with transaction(person.account_id, actor) as work:
        factors.check_may_add(work, person)
        if len(_stored(person)) >= PASSKEYS_LIMIT:
            raise Invalid(say("You may have %(limit)s passkeys at the most.", limit=PASSKEYS_LIMIT))
        try:
            at = {"created_at": work.at, "last_used_at": work.at}
            db.session.execute(insert(Passkey), [row | at])
        except IntegrityError as error:
            raise Taken(say("This passkey is known already.")) from error
        return factors.note_added(work, person, "passkey", name)


def check(person: Person, credential: dict[str, Any], settings: Settings) -> tuple[str, int]:
    """Check what a device signed (§7.2), and return the passkey's id and its new counter.

    The challenge is used up, whatever comes of it.

    :param credential: An ``AuthenticationResponseJSON``.
    :raises NoProof: When it is no passkey of the person, or proves nothing here and now.
    """
    challenge = _take_challenge(person, credential)
    known = {row.credential_id: row for row in _stored(person)}
    row = known.get(str(credential.get("id")))
    if row is None:
        raise NoProof("it is no passkey of this user")
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(settings),
            expected_origin=settings.public_url,
            credential_public_key=base64url_to_bytes(row.public_key),
            credential_current_sign_count=row.sign_count,
        )
    except Exception as error:  # the library raises more than it says on bytes made for it
        raise NoProof(str(error)[:200]) from error
    return row.id, _countable(verified.new_sign_count)


def note_use(work: Work, passkey_id: str, sign_count: int) -> None:
    """Write down the counter of a passkey that was used.

    :raises NoProof: When another use has moved it as far in the meantime, or it is gone.
    """
    moved = Passkey.sign_count < sign_count
    without_counter = (Passkey.sign_count == 0) & (sign_count == 0)
    query = (
        update(Passkey)
        .where(
            Passkey.account_id == work.account_id,
            Passkey.id == passkey_id,
            moved | without_counter,
        )
        .values(sign_count=sign_count, last_used_at=work.at)
        .returning(Passkey.id)
    )
    if db.session.scalar(query) is None:
        raise NoProof("its counter has not moved")


def relying_party(settings: Settings) -> str:
    """Return what passkeys are bound to: the host name people use (§5.1.2)."""
    return urlsplit(settings.public_url).hostname or ""


def _verified_registration(person: Person, credential: dict[str, Any], settings: Settings) -> Any:
    challenge = _take_challenge(person, credential)
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=relying_party(settings),
            expected_origin=settings.public_url,
        )
        # A key that is no key would be found out at the first sign-in only.
        decoded_public_key_to_cryptography(decode_credential_public_key(made.credential_public_key))
    except Exception as error:  # the library raises more than it says on bytes made for it
        raise NoProof(str(error)[:200]) from error
    return made


def _countable(sign_count: int) -> int:
    if sign_count > LARGEST_COUNT:
        raise NoProof("its counter is too large")
    return sign_count


def _new_challenge(person: Person) -> bytes:
    """Return a challenge for the session, in place of an earlier one. Its digest is stored."""
    challenge = secrets.token_bytes(32)
    query = update(Session).where(
        Session.account_id == person.account_id, Session.id == person.session_id
    )
    with write_transaction():
        db.session.execute(
            query.values(
                challenge=_hash(challenge), challenge_expires_at=now() + CHALLENGE_LIFETIME
            )
        )
    return challenge


def _take_challenge(person: Person, credential: dict[str, Any]) -> bytes:
    """Use up the challenge a credential names, in a transaction of its own.

    :raises NoProof: When it is not the last one of the session, is used or too old.
    """
    try:
        told = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    except Exception as error:  # anything at all may stand there
        raise NoProof("it cannot be read") from error
    if told.cross_origin:
        raise NoProof("it was made in a frame of another site")
    query = (
        update(Session)
        .where(
            Session.account_id == person.account_id,
            Session.id == person.session_id,
            Session.challenge == _hash(told.challenge),
            Session.challenge_expires_at > now(),
        )
        .values(challenge=None, challenge_expires_at=None)
        .returning(Session.id)
    )
    with write_transaction():
        taken = db.session.scalar(query)
    if taken is None:
        raise NoProof("its challenge is not open")
    return told.challenge


def _hash(challenge: bytes) -> str:
    return digest(bytes_to_base64url(challenge))


def _stored(person: Person) -> list[Any]:
    query = select(Passkey.__table__).where(
        Passkey.account_id == person.account_id, Passkey.user_id == person.user_id
    )
    return list(db.session.execute(query.order_by(Passkey.id)))


def _descriptors(rows: Iterable[Any]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(row.credential_id),
            transports=[AuthenticatorTransport(name) for name in row.transports.split(",") if name],
        )
        for row in rows
    ]


def _transports(credential: dict[str, Any]) -> list[str]:
    told = credential["response"].get("transports")
    names = [name for name in told if isinstance(name, str)] if isinstance(told, list) else []
    return sorted(_TRANSPORTS.intersection(names))
