"""Authenticator apps: set up, used, and what is tried against them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import attempts, factors, proving, recovery_codes, totp
from app.directory.attempts import TooManyAttempts
from app.directory.errors import Invalid, NotFound
from app.directory.proving import WrongCode
from app.security.requests import settings
from app.security.sessions import half_signed_in, signed_in
from app.store.database import db
from app.store.models import AuditEvent, OutgoingEvent, RecoveryCode, Session, TotpDevice, User
from app.store.types import now
from tests.conftest import SECRET_KEY, make_app, write
from tests.directory.factors import a_half_session, confirm, require, set_up, use
from tests.factories import a_session, a_user
from tests.inspection import audit, row, rows
from tests.second_factors import a_totp, code_of, full, half, recovery_codes_of
from tests.threads import at_once

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
