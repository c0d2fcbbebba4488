"""Signing in to an application on another host, and every way it must not work."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from app.directory import applications, sessions, users
from app.store.database import db
from app.store.models import ApplicationSession, Session
from app.store.types import now
from tests.conftest import make_app, write
from tests.console.client import Browser
from tests.factories import a_session, a_user
from tests.inspection import audit, row, rows

MEDIA, WIKI = "https://media.example.com", "https://wiki.example.com"
COOKIE = "__Host-gatehouse-app-session"


@pytest.fixture
def app(database_url):
    app = make_app(
        database_url,
        applications=(MEDIA, WIKI),
        trusted_proxies=(ip_network("127.0.0.0/8"),),
        public_url="https://id.example.com",
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


class There(Browser):
    """The browser at an application: its proxy says so. It keeps the cookies of each host."""

    def at(self, origin: str, path: str, *, uri: str = "/"):
        parts = urlsplit(origin)
        self.base_url = origin
        headers = {
            "X-Forwarded-Proto": parts.scheme,
            "X-Forwarded-Host": parts.netloc,
            "X-Forwarded-Uri": uri,
        }
        try:
            return self.get(path, headers=headers)
        finally:
            self.base_url = "https://id.example.com"

    def passes(self, origin: str) -> bool:
        return self.at(origin, "/api/forward-auth").status_code == 204


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def browser(app, account, ada) -> There:
    found = There(app)
    found.sign_in(a_session(account, ada))
    return found


def begin(browser, origin=MEDIA, uri="/films?x=1") -> str:
    """Open a page of the application; return where on our own host one is sent."""
    asked = browser.at(origin, "/api/forward-auth?redirect", uri=uri)
    assert asked.status_code == 302
    assert asked.location.startswith(f"{origin}/.gatehouse/start?to=")
    begun = browser.at(origin, asked.location.removeprefix(origin))
    assert begun.status_code == 303
    assert begun.location.startswith("https://id.example.com/sign-in/application?")
    return begun.location.removeprefix("https://id.example.com")


def code_for(browser, origin=MEDIA) -> str:
    """Come back from our own host; return the path with the code."""
    handed = browser.get(begin(browser, origin))
    assert handed.status_code == 303
    assert handed.location.startswith(f"{origin}/.gatehouse/enter?code=")
    return handed.location.removeprefix(origin)


def test_the_whole_way(browser, account, ada):
    assert not browser.passes(MEDIA)
    answer = browser.at(MEDIA, code_for(browser))
    assert (answer.status_code, answer.location) == (303, f"{MEDIA}/films?x=1")
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if COOKIE in each]
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    assert browser.passes(MEDIA)
    assert not browser.passes(WIKI)
    (event,) = audit(account, "application.entered")
    assert (event.target_id, event.after) == (ada, {"origin": MEDIA})


def test_who_is_not_signed_in_here_signs_in_on_the_way(app):
    browser = There(app)
    path = begin(browser)
    answer = browser.get(path)
    assert answer.status_code == 303
    (back,) = parse_qs(urlsplit(answer.location).query)["next"]
    assert parse_qs(urlsplit(back).query) == parse_qs(urlsplit(path).query)
    page = browser.page(answer.location)
    assert page.xpath("//input[@name='next']/@value") == [back]


@pytest.mark.parametrize("how", ["revoked", "deactivated", "over"])
def test_out_of_the_application_at_the_next_request(browser, account, ada, how):
    browser.at(MEDIA, code_for(browser))
    assert browser.passes(MEDIA)
    with write(account) as work:
        if how == "revoked":
            sessions.revoke(work, row(Session).id, reason="test")
        elif how == "deactivated":
            users.set_active(work, ada, False)
        else:
            db.session.execute(update(Session).values(expires_at=now()))
    assert not browser.passes(MEDIA)


def test_a_code_works_once(browser):
    path = code_for(browser)
    assert browser.at(MEDIA, path).status_code == 303
    again = browser.at(MEDIA, path)
    assert again.status_code == 410 and "Set-Cookie" not in again.headers


def test_a_code_works_for_its_application_alone(browser):
    path = code_for(browser)
    begin(browser, WIKI)
    assert browser.at(WIKI, path).status_code == 410
    assert not browser.passes(WIKI)


def test_a_code_works_for_a_moment(browser):
    path = code_for(browser)
    db.session.execute(update(ApplicationSession).values(code_expires_at=now()))
    db.session.commit()
    assert browser.at(MEDIA, path).status_code == 410
    applications.forget_old_codes()
    assert rows(ApplicationSession) == []


def test_a_code_works_in_the_browser_that_began_alone(browser, app):
    """Otherwise anybody could make others open a session of theirs."""
    path = code_for(browser)
    victim = There(app)
    assert victim.at(MEDIA, path).status_code == 410
    begin(victim)
    assert victim.at(MEDIA, path).status_code == 410
    assert not victim.passes(MEDIA)
    assert browser.at(MEDIA, path).status_code == 303


def test_a_code_of_a_session_that_ended_meanwhile_is_worth_nothing(browser, account):
    path = code_for(browser)
    with write(account) as work:
        sessions.revoke(work, row(Session).id, reason="test")
    assert browser.at(MEDIA, path).status_code == 410


def test_a_cookie_stands_for_nobody_elsewhere(browser, app):
    browser.at(MEDIA, code_for(browser))
    cookie = browser._client.get_cookie(COOKIE, domain="media.example.com").value
    other = There(app)
    other._client.set_cookie(COOKIE, cookie, domain="wiki.example.com", secure=True)
    assert not other.passes(WIKI)
    other._client.set_cookie("__Host-gatehouse", cookie, domain="id.example.com", secure=True)
    assert other.get("/api/session").status_code == 401
    begun = browser.at(MEDIA, "/.gatehouse/start").location.removeprefix("https://id.example.com")
    code = browser.get(begun).location.partition("code=")[2]
    assert code
    other._client.set_cookie(COOKIE, code, domain="media.example.com", secure=True)
    assert not other.passes(MEDIA)


START = "0" * 64


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "http://media.example.com/",
        "https://media.example.com:8443/",
        "https://media.example.com.evil.example/",
        "https://media.example.com@evil.example/",
        "https://ada@media.example.com/",
        "https://media.example.com\\.evil.example/",
        "https://media.example.com%2eevil.example/",
        "//media.example.com/",
        "media.example.com",
        "javascript:alert(1)",
        "https://[/",
        "",
    ],
)
def test_nobody_is_sent_to_an_application_that_is_not_named(browser, to):
    answer = browser.get("/sign-in/application", query_string={"to": to, "start": START})
    assert answer.status_code == 400
    assert rows(ApplicationSession) == []


@pytest.mark.parametrize(
    ("to", "path"),
    [
        (f"{MEDIA}//evil.example/", "/"),
        (f"{MEDIA}/\\evil.example", "/"),
        (f"{MEDIA}?x=1", "/"),
        (f"{MEDIA}/" + "x" * 2000, "/"),
        (f"{MEDIA}/a/../b#c", "/a/../b"),
    ],
)
def test_the_path_stays_on_the_application(browser, to, path):
    browser.get("/sign-in/application", query_string={"to": to, "start": START})
    assert row(ApplicationSession).path == path


@pytest.mark.parametrize("start", ["", "x", "0" * 63, "0" * 65, "G" * 64])
def test_without_a_beginning_there_is_no_code(browser, start):
    answer = browser.get("/sign-in/application", query_string={"to": MEDIA, "start": start})
    assert answer.status_code == 400


def test_only_the_proxy_of_an_application_reaches_its_pages(browser, app):
    for path in ("/.gatehouse/start", "/.gatehouse/enter?code=x"):
        assert browser.get(path).status_code == 400
        assert browser.at("https://evil.example", path).status_code == 400
        assert browser.at("http://media.example.com", path).status_code == 400
    assert browser.at(MEDIA, "/.gatehouse/enter").status_code == 410
    assert browser.at("https://media.example.com:443", "/.gatehouse/start").status_code == 303


def test_unused_codes_live_for_a_minute(browser):
    code_for(browser)
    stored = row(ApplicationSession)
    assert stored.code_expires_at - stored.created_at == timedelta(seconds=60)
