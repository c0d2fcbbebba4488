"""Signing in with a link or at the company's provider, and signing out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory import domains, users
from app.store.database import db
from app.store.models import Account, Connection, Session
from app.store.types import now
from tests.conftest import make_app, write
from tests.console.client import Browser, set_cookies
from tests.factories import a_connection, a_link, a_session, a_user, an_account
from tests.inspection import audit, fingerprint, row, rows

GONE = "does not work any more"


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(browser):
    answer = browser.get("/")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert set_cookies(answer, browser.cookie) == []
    assert "Sign in" in browser.text("/sign-in")


def test_a_link_signs_in_once(browser, app, account):
    user_id = a_user(account, "ada@example.com")
    link = f"/sign-in/link/{a_link(account, user_id)}"

    answer = browser.submit(link)
    assert (answer.status_code, answer.location) == (303, "/")
    assert "ada@example.com" in browser.text("/")
    assert [each.method for each in rows(Session, user_id=user_id)] == ["link"]

    other = Browser(app)
    again = other.submit(link)
    assert again.status_code == 410
    assert GONE in again.text
    assert other.session is None


def test_looking_at_a_link_does_not_use_it(browser, account):
    link = f"/sign-in/link/{a_link(account, a_user(account))}"
    before = fingerprint()
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert browser.open(method, link).status_code == 200
    assert fingerprint() == before
    assert browser.submit(link).status_code == 303


def test_links_that_are_old_unknown_or_of_someone_deactivated_are_answered_alike(browser, account):
    gone_user = a_user(account)
    links = [
        a_link(account, a_user(account), lifetime=timedelta(seconds=-1)),
        a_link(account, gone_user),
        "unknown",
        "x" * 5000,
        "%00",
        "%ff",
    ]
    with write(account) as work:
        users.set_active(work, gone_user, False)
    for link in links:
        answer = browser.submit(f"/sign-in/link/{link}")
        assert answer.status_code == 410
        assert GONE in answer.text
        assert browser.session is None
    assert rows(Session) == []


def test_the_audit_says_who_signed_in_and_from_where(browser, account):
    user_id = a_user(account)
    browser.submit(f"/sign-in/link/{a_link(account, user_id)}")
    (event,) = audit(account, "session.opened")
    assert (event.surface, event.target_id, event.address) == ("console", user_id, "127.0.0.1")
    assert event.request_id


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_forged_form_is_refused(browser, account, token):
    user_id = a_user(account)
    link = a_link(account, user_id)
    browser.sign_in(a_session(account, user_id))
    browser.get("/")  # It holds a form cookie, as a victim's browser would.
    data = {} if token is None else {"csrf_token": token}
    before = fingerprint()
    for path in ("/sign-out", "/sign-in", f"/sign-in/link/{link}"):
        answer = browser.post(path, data=data)
        assert answer.status_code == 400
        assert "This form has expired" in answer.text
    assert fingerprint() == before


def test_a_form_made_for_another_browser_is_refused(browser, app, account):
    link = f"/sign-in/link/{a_link(account, a_user(account))}"
    stolen = dict(Browser(app).form(link, link).form_values())
    browser.get(link)
    assert browser.post(link, data=stolen).status_code == 400
    assert browser.session is None


def test_the_company_of_an_account_is_found_in_any_case(browser, account):
    connection_id = a_connection(account, "saml")
    answer = browser.submit("/sign-in", who=" ACME ")
    assert (answer.status_code, answer.location) == (303, f"/saml/{connection_id}/login")


def test_an_address_goes_by_its_domain(browser, account):
    first, second = a_connection(account, "saml"), a_connection(account, "saml")
    with write(account) as work:
        domains.add(work, "example.com", first)
        domains.add(work, "bücher.example", second)
    for who, connection_id in {
        " Ada@EXAMPLE.com ": first,
        "ada@bücher.example": second,
        "ada@xn--bcher-kva.example": second,
    }.items():
        answer = browser.submit("/sign-in", who=who)
        assert (answer.status_code, answer.location) == (303, f"/saml/{connection_id}/login")
    for who in ("ada@sub.example.com", "ada@", "@", "ada@example.com.", "a@b@exa mple.com"):
        assert "No single sign-on was found" in browser.submit("/sign-in", who=who).text


def test_the_way_back_is_kept_on_this_site(browser, account):
    connection_id = a_connection(account, "saml")
    answer = browser.submit("/sign-in?next=/folders%3Fx%3D1", "/sign-in", who="Acme")
    assert answer.location == f"/saml/{connection_id}/login?next=%2Ffolders%3Fx%3D1"
    for elsewhere in ("//evil.example", "https://evil.example", "javascript:alert(1)"):
        answer = browser.submit(f"/sign-in?next={elsewhere}", "/sign-in", who="Acme")
        assert answer.location == f"/saml/{connection_id}/login"
    browser.sign_in(a_session(account, a_user(account)))
    assert browser.get("/sign-in?next=/me/sessions").location == "/me/sessions"
    assert browser.get("/sign-in?next=//evil.example").location == "/"


def test_a_link_does_not_sign_in_where_saml_is_required(browser, account):
    user_id = a_user(account, "ada")
    link = f"/sign-in/link/{a_link(account, user_id)}"
    db.session.execute(update(Account).values(requires_saml=True))
    db.session.commit()
    answer = browser.submit(link)
    assert answer.status_code == 403
    assert "sign in through their company" in answer.get_data(as_text=True)
    assert browser.session is None


def test_an_account_without_single_sign_on_looks_like_none_at_all(browser):
    a_connection(an_account("Scim only"), "scim")
    two = an_account("Two")
    a_connection(two, "saml")
    a_connection(two, "saml")
    off = a_connection(an_account("Off"), "saml")
    db.session.execute(update(Connection).where(Connection.id == off).values(enabled=False))
    db.session.commit()

    def answer_for(account: str) -> str:
        answer = browser.submit("/sign-in", who=account)
        assert answer.status_code == 200
        said = answer.text.partition("<form")[0]
        return re.sub("<strong>.*?</strong>", "", said, flags=re.DOTALL)

    unknown = answer_for("Nobody")
    assert "No single sign-on was found" in unknown
    for name in ("Scim only", "Two", "Off", "", "\0", "x" * 5000):
        assert answer_for(name) == unknown


def test_signing_out_ends_the_session_and_takes_the_cookie(browser, app, account):
    user_id = a_user(account)
    secret = a_session(account, user_id)
    other = a_session(account, user_id)
    browser.sign_in(secret)

    answer = browser.submit("/", "/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert browser.session is None
    (event,) = audit(account, "session.revoked")
    assert (event.actor_id, event.surface) == (user_id, "console")

    browser.sign_in(secret)  # kept by someone
    assert browser.get("/").status_code == 303
    browser.sign_in(other)  # on another device
    assert browser.get("/").status_code == 200


def test_a_form_from_before_signing_out_is_of_no_use_after(browser, account):
    browser.sign_in(a_session(account, a_user(account)))
    old = dict(browser.form("/", "/sign-out").form_values())
    browser.submit("/", "/sign-out")
    browser.get("/sign-in")
    assert browser.post("/sign-in", data=old).status_code == 400


def test_signing_out_twice_is_no_error(browser, account):
    browser.sign_in(a_session(account, a_user(account)))
    form = dict(browser.form("/", "/sign-out").form_values())
    browser.sign_in("not a session")
    answer = browser.post("/sign-out", data=form)
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_a_signed_in_person_needs_no_sign_in_page(browser, account):
    browser.sign_in(a_session(account, a_user(account)))
    answer = browser.get("/sign-in")
    assert (answer.status_code, answer.location) == (303, "/")


def _revoke(account: str, user_id: str) -> None:
    _set(user_id, revoked_at=now())


def _expire(account: str, user_id: str) -> None:
    _set(user_id, expires_at=now())


def _idle(account: str, user_id: str) -> None:
    _set(user_id, seen_at=now() - timedelta(minutes=61))


def _deactivate(account: str, user_id: str) -> None:
    with write(account) as work:
        users.set_active(work, user_id, False)


def _delete(account: str, user_id: str) -> None:
    with write(account) as work:
        users.delete(work, user_id)


def _set(user_id: str, **values: object) -> None:
    db.session.execute(update(Session).where(Session.user_id == user_id).values(**values))
    db.session.commit()


@pytest.mark.parametrize("end", [_revoke, _expire, _idle, _deactivate, _delete])
def test_a_session_that_ended_is_refused_at_the_very_next_request(browser, account, end):
    user_id = a_user(account)
    browser.sign_in(a_session(account, user_id))
    assert browser.get("/").status_code == 200

    end(account, user_id)

    answer = browser.get("/")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    (cleared,) = set_cookies(answer, browser.cookie)
    assert "Max-Age=0" in cleared
    assert browser.session is None


def test_use_is_noted_once_a_minute(browser, account):
    user_id = a_user(account)
    browser.sign_in(a_session(account, user_id))
    fresh = row(Session, user_id=user_id).seen_at
    browser.get("/")
    assert row(Session, user_id=user_id).seen_at == fresh

    stale = now() - timedelta(minutes=2)
    _set(user_id, seen_at=stale)
    browser.get("/")
    assert row(Session, user_id=user_id).seen_at > stale + timedelta(minutes=1)


@pytest.mark.parametrize("secret", ["", "x", "x" * 10_000, "é", "a;b", '"', "gh_x_y"])
def test_any_cookie_can_be_sent(browser, secret):
    assert browser.get("/", headers={"Cookie": f"gatehouse={secret}"}).status_code == 303


def test_over_http_the_cookie_is_for_this_host_and_not_for_scripts(browser, account):
    answer = browser.submit(f"/sign-in/link/{a_link(account, a_user(account))}")
    (cookie,) = set_cookies(answer, "gatehouse")
    _, *attributes = cookie.split("; ")
    names = [each for each in attributes if not each.startswith("Expires=")]
    assert sorted(names) == ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Lax"]


def test_over_https_no_subdomain_can_set_the_cookie(database_url):
    app = make_app(database_url, public_url="https://gatehouse.example.com")
    browser = Browser(app)
    with app.app_context():
        account = an_account()
        link = f"/sign-in/link/{a_link(account, a_user(account))}"
        signed_in = browser.submit(link)
        signed_out = browser.submit("/", "/sign-out")
        for answer in (signed_in, signed_out):
            (cookie,) = set_cookies(answer, "__Host-gatehouse")
            attributes = set(cookie.split("; ")[1:])
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= attributes
            assert "Domain" not in cookie
        assert signed_out.status_code == 303
        (form_cookie,) = set_cookies(browser.get("/sign-in"), "gatehouse_form")
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(form_cookie.split("; "))
        db.session.remove()
        db.engine.dispose()
