"""The pages of the second factor, and that half a session opens nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from lxml import html
from sqlalchemy import update

from app.directory import factors, proving, recovery_codes, second_factor
from app.security.secrets import digest
from app.store.database import db
from app.store.models import ApplicationSession, Session
from app.store.types import now
from tests.authenticator import Authenticator
from tests.conftest import make_app, write
from tests.console.client import Browser, set_cookies
from tests.factories import a_folder, a_grant, a_link, a_master_admin, a_session, a_user
from tests.inspection import audit, fingerprint, row, rows
from tests.second_factors import a_passkey, a_totp, code_of, recovery_codes_of

ASK, ENROL, OWN = "/sign-in/second-factor", "/sign-in/enrol", "/me/second-factor"
RECOVERY = f"{ASK}/recovery-code"
APP = "https://media.example.com"


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada@example.com", display_name="Ada")


def half_way(browser: Browser, account_id: str, user_id: str, **options: str) -> str:
    cookie = a_session(account_id, user_id, **{"method": "password"} | options)
    browser.sign_in(cookie)
    return cookie


def require(account_id: str) -> None:
    with write(account_id) as work:
        second_factor.require(work, True)


def age(minutes: int) -> None:
    """Let the sessions be so old."""
    with write(rows(Session)[0].account_id):
        at = now() - timedelta(minutes=minutes)
        db.session.execute(update(Session).values(created_at=at))


def token(browser: Browser, page: str) -> dict[str, str]:
    values = dict(browser.page(page).forms[-1].form_values())
    return {"X-CSRFToken": values["csrf_token"], "Referer": browser.base_url + page}


def options_of(browser: Browser, page: str, what: str) -> dict:
    answer = browser.post(f"{OWN}/passkeys/{what}", headers=token(browser, page))
    assert answer.status_code == 200, answer.text
    return answer.get_json()


# -- Proving ----------------------------------------------------------------------------


def test_a_link_leads_to_the_page_that_asks_and_on(browser, account, ada):
    secret = a_totp(account, ada)
    answer = browser.submit(f"/sign-in/link/{a_link(account, ada)}")
    assert (answer.status_code, answer.location) == (303, ASK)
    cookie = browser.session
    assert "Ada" in browser.text(ASK)
    answer = browser.submit(ASK, code=code_of(secret))
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.session != cookie
    assert "ada@example.com" in browser.text("/")
    assert browser.get(ASK).status_code == 200, "once more, if she wants"


def test_the_path_asked_for_is_kept(browser, account, ada):
    secret = a_totp(account, ada)
    half_way(browser, account, ada)
    start = browser.get(f"/sign-in?next={quote('/deep?x=1')}")
    assert start.location == f"{ASK}?next=/deep?x%3D1"
    form = browser.form(start.location, ASK)
    data = dict(form.form_values()) | {"code": code_of(secret)}
    answer = browser.post(ASK, data=data, headers={"Referer": browser.base_url + ASK})
    assert answer.location == "/deep?x=1"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "x"])
def test_it_leads_nowhere_else(browser, account, ada, path):
    secret = a_totp(account, ada)
    half_way(browser, account, ada)
    answer = browser.submit(ASK, code=code_of(secret), next=path)
    assert (answer.status_code, answer.location) == (303, "/")


def test_wrong_digits_are_refused_then_slowed_down(browser, account, ada):
    secret = a_totp(account, ada)
    cookie = half_way(browser, account, ada)
    for code in ("000000", "", "x" * 10_000, "\0", "١٢٣٤٥٦"):
        answer = browser.submit(ASK, code=code)
        assert answer.status_code == 403
        assert "not right, or was used before" in answer.text
    for _ in range(proving.FREE_FAILURES + 1):
        answer = browser.submit(ASK, code="000000")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert browser.submit(ASK, code=code_of(secret)).status_code == 429
    assert browser.session == cookie
    assert browser.get("/").status_code == 303


def test_a_recovery_code_signs_in_once(browser, app, account, ada):
    a_totp(account, ada)
    (code, *_) = recovery_codes_of(account, ada)
    half_way(browser, account, ada)
    assert browser.submit(ASK, RECOVERY, code=code).status_code == 303
    assert browser.get("/").status_code == 200
    other = Browser(app)
    half_way(other, account, ada)
    assert other.submit(ASK, RECOVERY, code=code).status_code == 403
    assert other.get("/").status_code == 303


def test_a_passkey_signs_in(browser, account, ada):
    device = a_passkey(account, ada)
    half_way(browser, account, ada)
    signed = json.dumps(device.get(options_of(browser, ASK, "challenge")))
    answer = browser.submit(ASK, f"{ASK}/passkey", credential=signed)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/").status_code == 200
    assert [each.awaits for each in rows(Session, second_factor="passkey")] == [None, None]


@pytest.mark.parametrize("sent", ["", "nonsense", "[]", "null", "{}", '{"id":1}', "x" * 40_000])
def test_nonsense_is_answered_with_a_page(browser, account, ada, sent):
    a_passkey(account, ada)
    half_way(browser, account, ada)
    answer = browser.submit(ASK, f"{ASK}/passkey", credential=sent)
    assert answer.status_code in (400, 403)
    assert browser.get("/").status_code == 303


def test_signing_out_ends_half_a_session(browser, account, ada):
    a_totp(account, ada)
    half_way(browser, account, ada)
    assert "Not Ada?" in browser.text(ASK)
    assert browser.submit(ASK, "/sign-out").status_code == 303
    assert browser.session is None and row(Session).revoked_at


def test_nobody_is_sent_to_sign_in(browser):
    for page in (ASK, ENROL, OWN, f"{OWN}/authenticator/x"):
        answer = browser.get(page)
        assert answer.status_code == 303 and answer.location.startswith("/sign-in")


# -- Half a session ---------------------------------------------------------------------


@pytest.mark.parametrize("enrolling", [False, True])
def test_half_a_session_opens_nothing(database_url, app, account, enrolling):
    app = make_app(database_url, applications=(APP,))
    browser = Browser(app)
    owner = a_master_admin(account)
    a_grant(account, owner, "editor", a_folder(account))
    if enrolling:
        require(account)
    else:
        a_totp(account, owner)
    cookie = half_way(browser, account, owner)
    before = fingerprint()
    for page in ("/", "/me/sessions", OWN, f"/sign-in/application?to={APP}/&start={'0' * 64}"):
        answer = browser.get(page)
        assert answer.status_code == 303 and answer.location.startswith("/sign-in"), page
    for path in (
        "/api/session",
        "/api/session/token",
        "/api/forward-auth",
        "/api/v1/users",
        "/scim/v2/Users",
        "/scim/v2/Me",
    ):
        assert browser.get(path).status_code == 401, path
    headers = token(browser, ENROL if enrolling else ASK)
    for path in ("/me/sessions/end-others", f"{OWN}/recovery-codes", f"{OWN}/totp/x/remove"):
        assert browser.post(path, headers=headers).status_code == 303, path
    assert fingerprint() == before
    assert rows(ApplicationSession) == []
    assert browser.session == cookie, "it may still become a whole one"


def test_a_cookie_that_is_not_even_half_a_session_is_taken_back(browser, account, ada):
    a_totp(account, ada)
    half_way(browser, account, ada)
    age(11)
    answer = browser.get("/")
    assert answer.status_code == 303
    assert set_cookies(answer, browser.cookie)
    assert browser.get(ASK).location == "/sign-in"


def test_every_write_checks_the_form(browser, account, ada):
    a_totp(account, ada)
    half_way(browser, account, ada)
    browser.get(ASK)
    before = fingerprint()
    paths = [ASK, RECOVERY, f"{ASK}/passkey", f"{OWN}/authenticator", f"{OWN}/authenticator/x"]
    paths += [f"{OWN}/passkeys{rest}" for rest in ("", "/options", "/challenge")]
    paths += [f"{OWN}/totp/x/remove", f"{OWN}/totp/x/rename", f"{OWN}/recovery-codes"]
    for path in paths:
        assert browser.post(path, data={"code": "123456"}).status_code == 400, path
    assert fingerprint() == before


# -- Getting one ------------------------------------------------------------------------


def set_up(browser: Browser, page: str) -> tuple[str, str]:
    """Set an app up; return its page and its secret."""
    answer = browser.submit(page, f"{OWN}/authenticator", name="My phone")
    assert answer.status_code == 303
    shown = browser.page(answer.location)
    assert shown.xpath("//img[contains(@src, 'data:image/svg+xml')]")
    return answer.location, shown.get_element_by_id("secret").text.replace(" ", "")


def test_who_must_have_one_gets_an_app_and_recovery_codes(browser, account, ada):
    require(account)
    cookie = half_way(browser, account, ada, method="saml")
    assert browser.get(f"{ASK}?next=/x").location == f"{ENROL}?next=%2Fx"
    page, secret = set_up(browser, f"{ENROL}?next=/x")
    wrong = browser.submit(page, page, code="000000")
    assert wrong.status_code == 400 and "not the digits" in wrong.text
    answer = browser.submit(page, page, code=code_of(secret))
    assert answer.status_code == 200 and "not shown again" in answer.text
    assert 'href="/x"' in answer.text
    page = html.document_fromstring(answer.text)
    codes = page.xpath("//ul[@aria-label='Recovery codes']/li/code/text()")
    assert len(codes) == 10 and codes[0] not in browser.text(OWN)
    assert browser.session != cookie and browser.get("/").status_code == 200
    assert recovery_codes.left(account, ada) == 10
    (factor,) = factors.listed(account, ada)
    assert (factor.kind, factor.name) == ("totp", "My phone")
    other = Browser(browser.app)
    half_way(other, account, ada)
    assert other.submit(ASK, RECOVERY, code=codes[0]).status_code == 303


def test_who_must_have_one_gets_a_passkey(browser, account, ada):
    require(account)
    half_way(browser, account, ada)
    device = Authenticator()
    made = json.dumps(device.create(options_of(browser, ENROL, "options")))
    answer = browser.submit(ENROL, f"{OWN}/passkeys", credential=made)
    assert answer.status_code == 200 and "not shown again" in answer.text
    assert browser.get("/").status_code == 200
    assert [each.kind for each in factors.listed(account, ada)] == ["passkey"]


def test_who_has_one_cannot_get_another_with_half_a_session(browser, account, ada):
    a_totp(account, ada)
    half_way(browser, account, ada)
    headers = token(browser, ASK)
    before = fingerprint()
    for path in (f"{OWN}/authenticator", f"{OWN}/passkeys/options", f"{OWN}/passkeys"):
        answer = browser.post(path, headers=headers)
        assert answer.status_code == 303 and answer.location.startswith(ASK)
    assert browser.get(ENROL).location == ASK
    assert fingerprint() == before


def test_a_challenge_is_stored_as_a_digest(browser, account, ada):
    browser.sign_in(a_session(account, ada))
    challenge = options_of(browser, OWN, "options")["challenge"]
    assert row(Session).challenge == digest(challenge)


# -- The person's own page ----------------------------------------------------------------


def test_factors_are_listed_renamed_and_removed(browser, account, ada):
    browser.sign_in(a_session(account, ada))
    assert "You have none yet" in browser.text(OWN)
    page, secret = set_up(browser, OWN)
    assert browser.submit(page, page, code=code_of(secret)).status_code == 200
    (factor,) = factors.listed(account, ada)
    base = f"{OWN}/totp/{factor.id}"
    assert browser.submit(OWN, f"{base}/rename", name="Old phone").location == OWN
    assert "Old phone" in browser.text(OWN)
    assert browser.submit(OWN, f"{base}/rename", name="x" * 101).status_code == 400
    assert browser.submit(OWN, f"{base}/remove").location == OWN
    assert "You have none yet" in browser.text(OWN)


def test_names_cannot_break_the_page(browser, account, ada):
    browser.sign_in(a_session(account, ada))
    answer = browser.submit(OWN, f"{OWN}/authenticator", name="<script>alert(1)</script>")
    page, secret = answer.location, ""
    secret = browser.page(page).get_element_by_id("secret").text.replace(" ", "")
    browser.submit(page, page, code=code_of(secret))
    assert "<script>alert" not in browser.get(OWN).text


def test_the_last_one_stays_where_it_is_required(browser, account, ada):
    a_totp(account, ada)
    require(account)
    browser.sign_in(a_session(account, ada, second_factor="provider"))
    (factor,) = factors.listed(account, ada)
    answer = browser.submit(OWN, f"{OWN}/totp/{factor.id}/remove")
    assert answer.status_code == 403 and "must have a second factor" in answer.text


def test_new_recovery_codes_are_shown_once_and_few_are_pointed_out(browser, account, ada):
    a_totp(account, ada)
    old = recovery_codes_of(account, ada)
    browser.sign_in(a_session(account, ada))
    assert "10 of 10 are left." in browser.text(OWN)
    assert "before you need one" not in browser.text(OWN)
    with write(account) as work:
        for code in old[:7]:
            recovery_codes.use(work, ada, code)
    assert "3 of 10 are left. Make new ones before you need one." in browser.text(OWN)
    answer = browser.submit(OWN, f"{OWN}/recovery-codes")
    assert answer.status_code == 200 and old[9] not in answer.text
    assert recovery_codes.left(account, ada) == 10


def test_after_a_while_a_change_needs_the_factor_once_more(browser, account, ada):
    secret = a_totp(account, ada)
    browser.sign_in(a_session(account, ada))
    (factor,) = factors.listed(account, ada)
    remove = f"{OWN}/totp/{factor.id}/remove"
    form = dict(browser.form(OWN, remove).form_values())
    headers = {"Referer": browser.base_url + OWN}
    age(16)
    assert "show that it is you" in browser.text(OWN)
    answer = browser.post(remove, data=form, headers=headers)
    ask = f"{ASK}?next=/me/second-factor"
    assert (answer.status_code, answer.location) == (303, ask)
    assert browser.post(f"{OWN}/authenticator", data=form, headers=headers).location == ask
    cookie = browser.session
    assert browser.submit(ask, ASK, code=code_of(secret)).location == OWN
    assert browser.session != cookie
    assert browser.submit(OWN, remove).location == OWN
    assert factors.listed(account, ada) == []
    assert audit(account, "second_factor.used")


def test_a_proof_holds_for_the_session_it_was_given_in(browser, account, ada):
    secret = a_totp(account, ada)
    browser.sign_in(a_session(account, ada))
    browser.submit(ASK, code=code_of(secret))
    browser.sign_in(a_session(account, ada))
    age(16)
    assert "show that it is you" in browser.text(OWN)


def test_who_has_none_signs_in_again_before_getting_one(browser, account, ada):
    browser.sign_in(a_session(account, ada))
    age(16)
    answer = browser.get(ASK)
    assert answer.status_code == 403 and "Sign out first" in answer.text


def test_factors_of_others_are_not_there(browser, account, ada):
    grace = a_user(account)
    a_totp(account, grace)
    (theirs,) = factors.listed(account, grace)
    browser.sign_in(a_session(account, ada))
    headers = token(browser, OWN)
    for what in ("remove", "rename"):
        path = f"{OWN}/totp/{theirs.id}/{what}"
        assert browser.post(path, data={"name": "x"}, headers=headers).status_code == 404
    for id_ in (theirs.id, "x", "%00", "%ff"):
        assert browser.get(f"{OWN}/authenticator/{id_}").status_code == 404
    assert browser.post(f"{OWN}/made-up/x/remove", headers=headers).status_code == 404
    assert len(factors.listed(account, grace)) == 1
