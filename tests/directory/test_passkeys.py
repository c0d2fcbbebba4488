"""Passkeys: added, used, and what is tried against them."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.directory import passkeys, proving
from app.directory.errors import Invalid, Taken
from app.directory.passkeys import NoProof
from app.security.requests import settings
from app.security.sessions import half_signed_in, signed_in
from app.store.database import db
from app.store.models import Passkey, Session
from app.store.types import now
from tests.authenticator import Authenticator
from tests.conftest import CLI_ACTOR, write
from tests.directory.factors import a_half_session, require
from tests.factories import a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.second_factors import a_passkey, full, half

# -- Passkeys ---------------------------------------------------------------------------


def with_passkey(cookie: str, device: Authenticator, **told) -> str:
    person = half(cookie)
    options = passkeys.authentication_options(person, settings())
    return proving.with_passkey(person, CLI_ACTOR, device.get(options, **told), settings())


def test_a_passkey_completes_the_session(account, ada):
    device = a_passkey(account, ada)
    cookie = a_half_session(account, ada)
    new = with_passkey(cookie, device)
    assert signed_in(new, settings()).user_id == ada
    assert signed_in(cookie, settings()) is None
    stored = row(Passkey)
    assert (stored.sign_count, stored.transports) == (1, "internal")
    (event,) = audit(account, "second_factor.used")
    assert event.after["factor"] == "passkey"
    with_passkey(a_half_session(account, ada), device)
    assert row(Passkey).sign_count == 2


def test_passkeys_without_a_counter_are_good(account, ada):
    device = a_passkey(account, ada, counts=False)
    for _ in range(2):
        assert with_passkey(a_half_session(account, ada), device)


def test_a_passkey_is_the_first_factor_of_who_must_have_one(account, ada):
    require(account)
    person = half(a_half_session(account, ada))
    options = passkeys.registration_options(person, settings())
    assert (options["rp"]["id"], options["attestation"]) == ("127.0.0.1", "none")
    made = Authenticator().create(options)
    added = passkeys.register(person, CLI_ACTOR, made, "Key", settings())
    assert signed_in(added.session_secret, settings()) and len(added.recovery_codes) == 10
    again = passkeys.registration_options(full(added.session_secret), settings())
    assert [each["id"] for each in again["excludeCredentials"]] == [made["id"]]


def test_a_passkey_of_somebody_else_proves_nothing(account, ada):
    a_passkey(account, ada)
    theirs = a_passkey(account, a_user(account))
    other = an_account()
    elsewhere = a_passkey(other, a_user(other))
    for device in (theirs, elsewhere, Authenticator()):
        with pytest.raises(NoProof):
            with_passkey(a_half_session(account, ada), device)
    assert "no passkey of this user" in audit(account, "second_factor.refused")[-1].reason


def test_a_key_that_claims_another_name_proves_nothing(account, ada):
    device = a_passkey(account, ada)
    thief = Authenticator(credential_id=device.credential_id)
    with pytest.raises(NoProof):
        with_passkey(a_half_session(account, ada), thief)


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"type": "webauthn.create"},
        {"crossOrigin": True},
        {"challenge": "AAAA"},
    ],
)
def test_what_was_signed_for_another_page_or_purpose_proves_nothing(account, ada, lie):
    device = a_passkey(account, ada)
    cookie = a_half_session(account, ada)
    with pytest.raises(NoProof):
        with_passkey(cookie, device, **lie)
    assert half_signed_in(cookie)


def test_what_was_signed_for_another_site_proves_nothing(account, ada):
    device = a_passkey(account, ada)
    device.rp_id = "evil.example"
    with pytest.raises(NoProof):
        with_passkey(a_half_session(account, ada), device)


def test_a_challenge_is_good_once_and_in_one_session(account, ada):
    device = a_passkey(account, ada, counts=False)
    cookie, other = a_half_session(account, ada), a_half_session(account, ada)
    options = passkeys.authentication_options(half(cookie), settings())
    passkeys.authentication_options(half(other), settings())
    signed = device.get(options)
    with pytest.raises(NoProof):
        proving.with_passkey(half(other), CLI_ACTOR, signed, settings())
    new = proving.with_passkey(half(cookie), CLI_ACTOR, signed, settings())
    with pytest.raises(NoProof):
        proving.with_passkey(full(new), CLI_ACTOR, signed, settings())


def test_a_challenge_is_used_up_by_what_fails_too(account, ada):
    device = a_passkey(account, ada)
    person = half(a_half_session(account, ada))
    options = passkeys.authentication_options(person, settings())
    wrong = device.get(options, origin="https://evil.example")
    for signed in (wrong, device.get(options)):
        with pytest.raises(NoProof):
            proving.with_passkey(person, CLI_ACTOR, signed, settings())
    assert row(Session, awaits="second_factor").challenge is None


def test_a_challenge_lasts_five_minutes_and_the_last_one_counts(account, ada):
    device = a_passkey(account, ada)
    person = half(a_half_session(account, ada))
    first = passkeys.authentication_options(person, settings())
    second = passkeys.authentication_options(person, settings())
    with pytest.raises(NoProof):
        proving.with_passkey(person, CLI_ACTOR, device.get(first), settings())
    with write(account):
        db.session.execute(update(Session).values(challenge_expires_at=now()))
    with pytest.raises(NoProof):
        proving.with_passkey(person, CLI_ACTOR, device.get(second), settings())


def test_a_copied_device_is_found_out_by_its_counter(account, ada):
    device = a_passkey(account, ada)
    for _ in range(2):
        with_passkey(a_half_session(account, ada), device)
    device.counter = 0
    with pytest.raises(NoProof):
        with_passkey(a_half_session(account, ada), device)


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"response": None},
        {"response": {"clientDataJSON": "!"}},
        {"response": {"clientDataJSON": "bnVsbA"}},
        {"id": 7, "response": {"clientDataJSON": "e30"}},
    ],
)
def test_nonsense_is_refused(account, ada, credential):
    a_passkey(account, ada)
    person = half(a_half_session(account, ada))
    with pytest.raises(NoProof):
        proving.with_passkey(person, CLI_ACTOR, credential, settings())
    whole = full(a_session(account, ada))
    with pytest.raises(NoProof):
        passkeys.register(whole, CLI_ACTOR, credential, "x", settings())


@pytest.mark.parametrize("attestation", ["", "AAAA", "o2NmbXQ", "oA", "gQ", "gYGBgYGBgYGBgYGBgYGB"])
def test_nonsense_with_a_good_challenge_is_refused(account, ada, attestation):
    person = full(a_session(account, ada))
    made = Authenticator().create(passkeys.registration_options(person, settings()))
    made["response"]["attestationObject"] = attestation
    with pytest.raises(NoProof):
        passkeys.register(person, CLI_ACTOR, made, "x", settings())
    device = a_passkey(account, ada)
    signed = device.get(passkeys.authentication_options(person, settings()))
    signed["response"]["authenticatorData"] = attestation
    with pytest.raises(NoProof):
        proving.with_passkey(person, CLI_ACTOR, signed, settings())


@pytest.mark.parametrize(
    "lie", [{"origin": "https://evil.example"}, {"type": "webauthn.get"}, {"challenge": "AAAA"}]
)
def test_a_passkey_made_for_another_page_is_refused(account, ada, lie):
    person = full(a_session(account, ada))
    made = Authenticator().create(passkeys.registration_options(person, settings()), **lie)
    with pytest.raises(NoProof):
        passkeys.register(person, CLI_ACTOR, made, "x", settings())
    assert rows(Passkey) == []


def test_a_passkey_is_registered_once(account, ada):
    device = a_passkey(account, ada)
    thief = full(a_session(account, a_user(account)))
    made = device.create(passkeys.registration_options(thief, settings()))
    with pytest.raises(Taken):
        passkeys.register(thief, CLI_ACTOR, made, "x", settings())


def test_passkeys_are_bounded(account, ada):
    for _ in range(passkeys.PASSKEYS_LIMIT):
        a_passkey(account, ada)
    with pytest.raises(Invalid):
        a_passkey(account, ada)
    grace = a_user(account)
    with pytest.raises(Invalid):
        a_passkey(account, grace, credential_id=b"x" * 2000)
    with pytest.raises(NoProof):
        a_passkey(account, grace, counter=2**32 - 1)
    device = a_passkey(account, grace)
    device.counter = 2**32 - 2
    with pytest.raises(NoProof):
        with_passkey(a_half_session(account, grace), device)
