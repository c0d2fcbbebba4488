"""Signing in with a password, setting one by a link, changing it; and what attackers try."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from app import mail
from app.directory import invitations, password_sign_in, users
from app.directory.passwords import set_password
from app.security.passwords import hash_password
from app.store.database import db
from app.store.models import Account, Session, SignInLink, User
from tests.conftest import make_app, write
from tests.console.client import Browser
from tests.factories import a_link, a_session, a_user, an_account
from tests.inspection import audit, row, rows

GOOD = "heron plinth otter quarry"
OTHER = "marble lantern swift cobalt"
HASH = hash_password(GOOD)


@pytest.fixture
def ada(account) -> str:
    email = {"value": "ada@example.com", "type": "work", "primary": True}
    user_id = a_user(account, "ada", values={"emails": [email]})
    with write(account) as work:
        set_password(work, user_id, HASH)
    return user_id


def sign_in(browser, who="ada", password=GOOD, **fields):
    page = browser.submit("/sign-in", who=who)
    assert page.status_code == 200
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    data = {"who": who, "password": password, "next": "/me/sessions", "csrf_token": token}
    headers = {"Referer": browser.base_url + "/sign-in"}
    return browser.post("/sign-in/password", data=data | fields, headers=headers)


def reset_link(browser, who="ada") -> str | None:
    """The path of the link that is mailed."""
    with capture_logs() as logs:
        assert browser.submit("/sign-in/forgotten", who=who).status_code == 200
        mail.wait_until_sent()
    found = [each for each in logs if each["event"].startswith("mail not sent: GATEHOUSE_SMTP")]
    return re.search(r"(/sign-in/set-password/\S+)", found[0]["text"])[1] if found else None


@pytest.mark.parametrize("who", ["ada", "ADA", "ada@example.com", " Ada@Example.com "])
def test_with_the_right_password_one_is_in(browser, account, ada, who):
    answer = sign_in(browser, who)
    assert (answer.status_code, answer.location) == (303, "/me/sessions")
    assert row(Session).method == "password"
    assert audit(account, "session.opened")[0].after["method"] == "password"
    assert "with a password" in browser.text("/me/sessions")


def test_every_no_is_the_same(browser, account, ada):
    """Unknown, wrong, not active, without a password, required to use SAML: one answer."""
    a_user(account, "without")
    gone = a_user(account, "gone")
    with write(account) as work:
        set_password(work, gone, HASH)
        users.set_active(work, gone, False)
    saml = an_account("With SAML")
    strict = a_user(saml, "strict")
    with write(saml) as work:
        set_password(work, strict, HASH)
    db.session.execute(update(Account).where(Account.id == saml).values(requires_saml=True))
    db.session.commit()

    def said(who: str, password: str = GOOD) -> tuple[int, str]:
        answer = sign_in(browser, who, password)
        text = re.sub(r'value="[^"]*"|who=[^"]*', "", answer.text)
        return answer.status_code, text

    wrong = said("ada", OTHER)
    assert wrong[0] == 401 and "is wrong" in wrong[1]
    for who in ("nobody", "without", "gone", "strict", "\0", "' OR 1=1 --"):
        assert said(who) == wrong
    assert said("ada", "x" * 100_000) == wrong
    assert rows(Session) == []
    reasons = {each.target_name: each.reason for each in audit(account, "sign_in.refused")}
    assert reasons == {"ada": "wrong password", "without": "has no password", "gone": "not active"}
    assert audit(saml, "sign_in.refused")[0].reason == "the account requires SAML"


def test_break_glass_signs_in_where_saml_is_required(browser, account, ada):
    db.session.execute(update(Account).values(requires_saml=True))
    db.session.execute(update(User).values(break_glass=True))
    db.session.commit()
    assert sign_in(browser).status_code == 303
    assert audit(account, "break_glass.used")


def test_the_same_name_in_two_accounts(browser, account, ada):
    other = an_account("Other")
    with write(other) as work:
        set_password(work, users.create(work, users.Profile("ada")), hash_password(OTHER))
    assert sign_in(browser, password=OTHER).status_code == 303
    assert row(Session).account_id == other


def test_name_and_password_right_in_two_accounts_need_the_account(browser, account, ada):
    other = an_account("Other")
    with write(other) as work:
        set_password(work, users.create(work, users.Profile("ada")), HASH)
    answer = sign_in(browser)
    assert answer.status_code == 200 and "several accounts" in answer.text
    assert rows(Session) == []
    assert sign_in(browser, account="other").status_code == 303
    assert row(Session).account_id == other


def wrong_until_it_waits(browser, who="ada") -> int:
    """How many wrong passwords are taken before the next has to wait."""
    for tries in range(100):
        answer = sign_in(browser, who, OTHER)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
            return tries
    raise AssertionError("never waits")


def test_guessing_has_to_wait_also_at_another_process(browser, app, database_url, ada):
    other = Browser(make_app(database_url))  # before: the wait may be over when it is made
    assert wrong_until_it_waits(browser) == password_sign_in.FREE_FOR_NAME + 1
    for who in ("ada", "ADA "):
        assert sign_in(other, who).status_code == 429
    assert sign_in(other, "somebody else").status_code == 401


def test_the_owner_is_not_locked_out(browser, app, ada):
    """Their own browser waits for nothing that others try, and a reset link works."""
    assert sign_in(browser).status_code == 303
    attacker = Browser(app)
    wrong_until_it_waits(attacker)
    assert sign_in(attacker).status_code == 429
    browser.submit("/", "/sign-out")
    assert sign_in(browser).status_code == 303
    browser.submit("/", "/sign-out")
    assert wrong_until_it_waits(browser) == password_sign_in.FREE_FOR_DEVICE + 1
    answer = attacker.submit(reset_link(attacker), password=OTHER)
    assert answer.status_code == 303


def test_a_known_browser_is_known_for_its_user_and_password_alone(browser, app, account, ada):
    sign_in(browser)
    browser.submit("/", "/sign-out")
    bob = a_user(account, "bob")
    with write(account) as work:
        set_password(work, bob, HASH)
        set_password(work, ada, HASH)
    for who in ("ada", "bob"):
        assert wrong_until_it_waits(browser, who) == password_sign_in.FREE_FOR_NAME + 1


def test_a_reset_link_sets_a_password_once(browser, app, account, ada):
    a_session(account, ada)
    path = reset_link(browser)
    assert "For ada in Acme" in browser.text(path)
    weak = browser.submit(path, password="password1234")
    assert weak.status_code == 400 and "easy to guess" in weak.text
    answer = browser.submit(path, password=OTHER)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.session
    assert [each.revoked_at is None for each in rows(Session)] == [False, True]
    assert browser.get(path).status_code == 410
    assert sign_in(Browser(app), password=GOOD).status_code == 401
    assert sign_in(Browser(app), password=OTHER).status_code == 303


def test_whether_a_mail_was_sent_is_not_said(browser, account, ada):
    a_user(account, "without address")

    def said(who: str) -> str:
        answer = browser.submit("/sign-in/forgotten", who=who)
        return answer.text.replace(who, "")

    assert said("ada") == said("nobody") == said("without address")
    mail.wait_until_sent()
    assert reset_link(browser, "nobody at all") is None


def test_mails_are_not_sent_without_end(browser, account, ada):
    codes = {browser.submit("/sign-in/forgotten", who="ada").status_code for _ in range(6)}
    assert codes == {200, 429}
    mail.wait_until_sent()
    assert len(rows(SignInLink)) == 1  # each ends the one before


def test_a_link_is_for_its_purpose_and_time(browser, account, ada):
    sign_in_link = a_link(account, ada)
    assert browser.get(f"/sign-in/set-password/{sign_in_link}").status_code == 410
    with write(account) as work:
        reset = invitations.create(work, ada, "reset")
    assert browser.submit(f"/sign-in/link/{reset}").status_code == 410
    with write(account):
        db.session.execute(update(SignInLink).values(expires_at=SignInLink.created_at))
    assert browser.get(f"/sign-in/set-password/{reset}").status_code == 410


def test_a_link_dies_with_the_user(browser, account, ada):
    with write(account) as work:
        secret = invitations.create(work, ada, "invitation")
    with write(account) as work:
        users.set_active(work, ada, False)
    assert browser.get(f"/sign-in/set-password/{secret}").status_code == 410


def test_a_password_is_changed_with_the_current_one(browser, app, account, ada):
    sign_in(browser)
    elsewhere = Browser(app)
    sign_in(elsewhere)
    assert browser.submit("/me/password", current=OTHER, password=OTHER).status_code == 400
    assert browser.submit("/me/password", current=GOOD, password="short").status_code == 400
    assert browser.submit("/me/password", current=GOOD, password=OTHER).status_code == 303
    assert "Saved. You are signed out everywhere else." in browser.text("/me/password")
    assert browser.get("/me/sessions").status_code == 200
    assert elsewhere.get("/me/sessions").status_code == 303
    assert audit(account, "user.password_changed")[-1].actor_id == ada


def test_a_first_password_needs_a_fresh_sign_in_by_link(browser, account):
    user_id = a_user(account, "new")
    browser.submit(f"/sign-in/link/{a_link(account, user_id)}")
    assert browser.submit("/me/password", password=GOOD).status_code == 303
    assert row(User, id=user_id).password_hash
    other = a_user(account, "old")
    browser.sign_in(a_session(account, other, method="saml"))
    assert browser.submit("/me/password", password=GOOD).status_code == 400
    assert row(User, id=other).password_hash is None


def test_nobody_else_changes_it(browser, account, ada):
    assert browser.post("/me/password", data={"password": OTHER}).status_code == 400
    assert browser.get("/me/password").location == "/sign-in?next=/me/password"


def test_an_old_hash_is_renewed_at_the_sign_in(browser, account, ada):
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD)
    with write(account):
        db.session.execute(update(User).values(password_hash=old))
    assert sign_in(browser).status_code == 303
    renewed = row(User, id=ada).password_hash
    assert renewed != old
    browser.submit("/", "/sign-out")
    sign_in(browser)
    assert row(User, id=ada).password_hash == renewed


def test_a_password_set_over_scim_signs_in(browser, account):
    a_user(account, "pushed", password=GOOD)
    assert sign_in(browser, "pushed").status_code == 303


def test_the_session_ends_after_its_time(browser, app, account, ada):
    sign_in(browser)
    session = row(Session)
    assert session.expires_at - session.created_at == timedelta(hours=12)
