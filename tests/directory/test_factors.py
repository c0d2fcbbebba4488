"""Factors added, used, removed and reset; and what is tried against them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import attempts, factors, passkeys, proving, recovery_codes, second_factor, totp
from app.directory.attempts import TooManyAttempts
from app.directory.errors import Forbidden, Invalid, NotFound, Taken
from app.directory.passkeys import NoProof
from app.directory.proving import WrongCode
from app.directory.work import Actor
from app.security.requests import settings
from app.security.secrets import digest
from app.security.sessions import half_signed_in, signed_in
from app.store.database import db
from app.store.models import (
    AuditEvent,
    OutgoingEvent,
    Passkey,
    RecoveryCode,
    Session,
    TotpDevice,
    User,
)
from app.store.types import now
from tests.authenticator import Authenticator
from tests.conftest import CLI_ACTOR, SECRET_KEY, make_app, write
from tests.factories import a_grant, a_link, a_master_admin, a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.second_factors import a_passkey, a_totp, code_of, full, half, recovery_codes_of
from tests.threads import at_once


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


def a_half_session(account_id: str, user_id: str) -> str:
    return a_session(account_id, user_id, method="password")


def use(cookie: str, code: str) -> str:
    return proving.with_code(half(cookie), CLI_ACTOR, code, settings())


def require(account_id: str) -> None:
    with write(account_id) as work:
        second_factor.require(work, True)


def set_up(person, name: str = "Phone"):
    with write(person.account_id) as work:
        device_id = totp.begin(work, person, name, SECRET_KEY)
    return totp.setup_of(person, device_id, SECRET_KEY)


def confirm(person, setup, code: str):
    with write(person.account_id) as work:
        return totp.confirm(work, person, setup.device_id, code, SECRET_KEY)


# -- Authenticator apps -----------------------------------------------------------------


def test_an_app_is_set_up_in_a_session_that_awaits_it(account, ada):
    require(account)
    cookie = a_half_session(account, ada)
    person = half(cookie)
    setup = set_up(person)
    assert setup.secret in setup.uri and "ada" in setup.uri
    assert factors.listed(account, ada) == []
    added = confirm(person, setup, code_of(setup.secret))
    assert half_signed_in(cookie) is None and signed_in(cookie, settings()) is None
    assert signed_in(added.session_secret, settings()).user_id == ada
    assert len(set(added.recovery_codes)) == 10
    session = row(Session)
    assert (session.awaits, session.second_factor) == (None, "totp")
    assert row(User, id=ada).last_sign_in_at
    (event,) = audit(account, "second_factor.added")
    assert (event.target_id, event.after["factor"]) == (ada, "totp")


def test_secrets_are_nowhere_in_the_store(account, ada):
    setup = set_up(full(a_session(account, ada)))
    added = confirm(full(a_session(account, ada)), setup, code_of(setup.secret))
    tables = (TotpDevice, RecoveryCode, Session, AuditEvent, OutgoingEvent)
    written = repr([rows(table) for table in tables])
    for secret in (setup.secret, added.session_secret, *added.recovery_codes):
        assert secret not in written
        assert recovery_codes.plain(secret) not in written


def test_the_digits_that_confirm_an_app_are_used_up(account, ada):
    setup = set_up(full(a_session(account, ada)))
    code = code_of(setup.secret)
    confirm(full(a_session(account, ada)), setup, code)
    with pytest.raises(WrongCode):
        use(a_half_session(account, ada), code)


def test_wrong_digits_confirm_nothing(account, ada):
    person = full(a_session(account, ada))
    setup = set_up(person)
    for code in ("", "000", "x" * 6, "٣٣٣٣٣٣", code_of(setup.secret, 5)):
        with pytest.raises(Invalid):
            confirm(person, setup, code)
    assert factors.listed(account, ada) == []


def test_an_app_is_set_up_by_its_owner_soon_and_once(account, ada):
    person = full(a_session(account, ada))
    grace = full(a_session(account, a_user(account)))
    setup = set_up(person)
    with pytest.raises(NotFound):
        confirm(grace, setup, code_of(setup.secret))
    with pytest.raises(NotFound):
        totp.setup_of(grace, setup.device_id, SECRET_KEY)
    other = set_up(person)
    with pytest.raises(NotFound):
        confirm(person, setup, code_of(setup.secret))
    with write(account):
        late = now() - timedelta(minutes=11)
        db.session.execute(update(TotpDevice).values(created_at=late))
    with pytest.raises(NotFound):
        confirm(person, other, code_of(other.secret))


def test_apps_are_bounded(account, ada):
    for _ in range(totp.DEVICES_LIMIT):
        a_totp(account, ada)
    with pytest.raises(Invalid):
        set_up(full(a_session(account, ada)))


def test_names_in_any_script_fit_into_the_picture(app, account):
    import segno

    user = a_user(account, "𠜎" * 200)
    setup = set_up(full(a_session(account, user)))
    assert segno.make(setup.uri, error="l", micro=False)


@pytest.mark.parametrize(("steps", "good"), [(-3, False), (0, True), (1, True), (3, False)])
def test_digits_of_now_are_good(account, ada, steps, good):
    secret = a_totp(account, ada)
    cookie = a_half_session(account, ada)
    code = code_of(secret, steps)
    if good:
        new = use(cookie, f" {code[:3]} {code[3:]}")
        assert signed_in(new, settings()) and not half_signed_in(cookie)
        (event,) = audit(account, "second_factor.used")
        assert (event.target_id, event.after["factor"]) == (ada, "totp")
    else:
        with pytest.raises(WrongCode):
            use(cookie, code)
        assert half_signed_in(cookie)
        (event,) = audit(account, "second_factor.refused")
        assert (event.target_id, event.outcome) == (ada, "refused")


def test_digits_are_good_once_and_none_before_them_are(account, ada):
    secret = a_totp(account, ada)
    later = code_of(secret, 1)
    earlier = code_of(secret)
    use(a_half_session(account, ada), later)
    for code in (later, earlier):
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), code)


def test_digits_are_good_once_for_two_processes(app, account, ada, database_url):
    secret = a_totp(account, ada)
    code = code_of(secret, 1)
    use(a_half_session(account, ada), code)
    second = make_app(database_url)
    with second.app_context():
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), code)
        db.session.remove()
        db.engine.dispose()


def test_of_many_who_show_the_same_digits_at_once_one_gets_in(app, account, ada):
    secret = a_totp(account, ada)
    cookies = [a_half_session(account, ada) for _ in range(4)]
    code = code_of(secret, 1)
    outcomes = at_once(app, [(lambda cookie: use(cookie, code), each) for each in cookies])
    assert [type(each) for each in outcomes if each] == [WrongCode] * 3
    assert [each.awaits for each in rows(Session)].count(None) == 1


def test_digits_of_somebody_else_are_wrong(account, ada):
    a_totp(account, ada)
    theirs = a_totp(account, a_user(account))
    with pytest.raises(WrongCode):
        use(a_half_session(account, ada), code_of(theirs))


def test_guessing_is_slowed_down_across_processes_and_right_digits_wait_too(
    app, account, ada, database_url
):
    secret = a_totp(account, ada)
    for _ in range(proving.FREE_FAILURES + 1):
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), code_of(secret, 99))
    second = make_app(database_url)
    with second.app_context():
        with pytest.raises(TooManyAttempts):
            use(a_half_session(account, ada), code_of(secret))
        db.session.remove()
        db.engine.dispose()
    assert len(audit(account, "second_factor.refused")) == proving.FREE_FAILURES + 1


def test_who_is_slowed_down_still_has_the_recovery_codes(account, ada):
    a_totp(account, ada)
    (code, *_) = recovery_codes_of(account, ada)
    for _ in range(proving.FREE_FAILURES + 1):
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), "000000")
    assert use(a_half_session(account, ada), code)


def test_the_right_digits_clear_the_failures(account, ada):
    secret = a_totp(account, ada)
    for _ in range(proving.FREE_FAILURES - 1):
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), code_of(secret, 99))
    use(a_half_session(account, ada), code_of(secret))
    attempts.begin([proving.counted(account, ada, "totp")])


def test_an_app_sealed_with_another_key_opens_nothing(account, ada):
    secret = a_totp(account, ada)
    with write(account):
        db.session.execute(update(TotpDevice).values(sealed_secret="AAAA"))
    with pytest.raises(WrongCode):
        use(a_half_session(account, ada), code_of(secret))


# -- Recovery codes ---------------------------------------------------------------------


def test_a_recovery_code_is_good_once_however_it_is_written(account, ada):
    a_totp(account, ada)
    codes = recovery_codes_of(account, ada)
    use(a_half_session(account, ada), f"  {codes[0].upper().replace('-', ' ')}")
    assert row(Session, awaits=None).second_factor == "recovery_code"
    assert recovery_codes.left(account, ada) == 9
    with pytest.raises(WrongCode):
        use(a_half_session(account, ada), codes[0])
    use(a_half_session(account, ada), codes[1].replace("-", ""))


def test_recovery_codes_of_others_and_old_ones_are_wrong(account, ada):
    a_totp(account, ada)
    grace = a_user(account)
    (theirs, *_), (old, *_) = recovery_codes_of(account, grace), recovery_codes_of(account, ada)
    (new, *_) = recovery_codes_of(account, ada)
    for code in (theirs, old, "", "a" * 20, digest(new), "\0", "\ud800"):
        with pytest.raises((WrongCode, TooManyAttempts)):
            use(a_half_session(account, ada), code)
    assert recovery_codes.left(account, ada) == 10


def test_guessing_recovery_codes_is_slowed_down(account, ada):
    a_totp(account, ada)
    for _ in range(proving.FREE_FAILURES + 1):
        with pytest.raises(WrongCode):
            use(a_half_session(account, ada), "a" * 20)
    with pytest.raises(TooManyAttempts):
        use(a_half_session(account, ada), "a" * 20)


def test_recovery_codes_have_100_random_bits_and_are_for_who_has_a_factor(account, ada):
    person = full(a_session(account, ada))
    with write(account) as work, pytest.raises(Invalid):
        factors.renew_recovery_codes(work, person)
    a_totp(account, ada)
    with write(account) as work:
        codes = factors.renew_recovery_codes(work, person)
    assert len(set(codes)) == 10
    assert {len(recovery_codes.plain(code)) for code in codes} == {20}
    assert {each.hash for each in rows(RecoveryCode)} == {
        digest(recovery_codes.plain(code)) for code in codes
    }


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


# -- Adding in half a session -------------------------------------------------------------


def test_who_has_a_factor_adds_none_before_using_it(account, ada):
    """Otherwise a password alone would do."""
    a_totp(account, ada)
    person = half(a_half_session(account, ada))
    with pytest.raises(Forbidden):
        set_up(person)
    made = Authenticator().create(passkeys.registration_options(person, settings()))
    with pytest.raises(Forbidden):
        passkeys.register(person, CLI_ACTOR, made, "x", settings())
    assert len(factors.listed(account, ada)) == 1


def test_a_session_begun_before_the_first_factor_adds_none_either(account, ada):
    require(account)
    early = half(a_half_session(account, ada))
    setup = set_up(early)
    a_totp(account, ada)
    with pytest.raises(Forbidden):
        confirm(early, setup, code_of(setup.secret))
    with pytest.raises(Forbidden):
        set_up(early)


def test_a_session_that_waited_for_too_long_is_not_completed(account, ada):
    secret = a_totp(account, ada)
    person = half(a_half_session(account, ada))
    with write(account):
        late = now() - timedelta(minutes=11)
        db.session.execute(update(Session).values(created_at=late))
    with pytest.raises(NotFound):
        proving.with_code(person, CLI_ACTOR, code_of(secret), settings())


# -- Changing ---------------------------------------------------------------------------


def test_factors_are_renamed_and_removed_by_their_owner(account, ada):
    a_totp(account, ada)
    a_passkey(account, ada)
    recovery_codes_of(account, ada)
    person, grace = full(a_session(account, ada)), full(a_session(account, a_user(account)))
    listed = factors.listed(account, ada)
    assert [(each.kind, each.name) for each in listed] == [("totp", "Phone"), ("passkey", "Key")]
    for each in listed:
        with write(account) as work, pytest.raises(NotFound):
            factors.remove(work, grace, each.kind, each.id)
        with write(account) as work, pytest.raises(NotFound):
            factors.rename(work, grace, each.kind, each.id, "Mine")
        with write(account) as work:
            factors.rename(work, person, each.kind, each.id, "New")
    assert {each.name for each in factors.listed(account, ada)} == {"New"}
    for left, each in zip((10, 0), listed, strict=True):
        with write(account) as work:
            factors.remove(work, person, each.kind, each.id)
        assert recovery_codes.left(account, ada) == left
    assert factors.listed(account, ada) == []
    assert [each.before["factor"] for each in audit(account, "second_factor.removed")] == [
        "totp",
        "passkey",
    ]
    with write(account) as work, pytest.raises(NotFound):
        factors.remove(work, person, "recovery_code", "x")


def test_the_last_factor_stays_where_one_is_required(account, ada):
    a_totp(account, ada)
    a_passkey(account, ada)
    require(account)
    person = full(a_session(account, ada, second_factor="provider"))
    first, last = factors.listed(account, ada)
    with write(account) as work:
        factors.remove(work, person, first.kind, first.id)
    with pytest.raises(Forbidden), write(account) as work:
        factors.remove(work, person, last.kind, last.id)
    assert factors.listed(account, ada) == [last]


def test_an_administrator_resets_what_was_lost(account, ada):
    a_totp(account, ada)
    a_passkey(account, ada)
    recovery_codes_of(account, ada)
    cookies = [a_session(account, ada), a_half_session(account, ada)]
    a_link(account, ada)
    with write(account) as work:
        assert factors.reset(work, ada, "phone lost") == 2
    assert rows(TotpDevice) + rows(Passkey) + rows(RecoveryCode) == []
    assert not any(signed_in(each, settings()) or half_signed_in(each) for each in cookies)
    event = audit(account, "second_factor.removed")[-1]
    assert (event.target_id, event.after["reason"]) == (ada, "phone lost")
    with write(account) as work, pytest.raises(NotFound):
        factors.reset(work, "nobody", "x")
    with write(an_account()) as work, pytest.raises(NotFound):
        factors.reset(work, ada, "x")


def test_nobody_resets_the_factors_of_who_may_do_more(account):
    owner, helper = a_master_admin(account), a_user(account)
    a_grant(account, helper, "technical_admin")
    a_totp(account, owner)
    actor = Actor(type="user", id=helper, name="helper", surface="api")
    with pytest.raises(Forbidden), write(account, actor) as work:
        factors.reset(work, owner, "x")
    assert len(factors.listed(account, owner)) == 1
