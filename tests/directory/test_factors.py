"""Recovery codes; and factors that are added, renamed, removed and reset."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import factors, passkeys, proving, recovery_codes
from app.directory.attempts import TooManyAttempts
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.proving import WrongCode
from app.directory.work import Actor
from app.security.requests import settings
from app.security.secrets import digest
from app.security.sessions import half_signed_in, signed_in
from app.store.database import db
from app.store.models import Passkey, RecoveryCode, Session, TotpDevice
from app.store.types import now
from tests.authenticator import Authenticator
from tests.conftest import CLI_ACTOR, write
from tests.directory.factors import a_half_session, confirm, require, set_up, use
from tests.factories import a_grant, a_link, a_master_admin, a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.second_factors import a_passkey, a_totp, code_of, full, half, recovery_codes_of

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
