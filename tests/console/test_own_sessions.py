"""People see where they are signed in, and end what they do not know."""

from __future__ import annotations

import pytest

from app.console.own_sessions import device_of
from app.store.models import Session
from tests.console.client import Browser
from tests.factories import a_session, a_user, an_account
from tests.inspection import audit, row, rows

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def signed_in(browser, account, ada) -> Browser:
    browser.sign_in(a_session(account, ada, user_agent=FIREFOX))
    return browser


def test_the_page_lists_what_is_open(signed_in, account, ada):
    a_session(account, ada, user_agent=SAFARI)
    a_session(account, a_user(account, "eve"), user_agent="Edg/1 Windows")
    text = signed_in.text("/me/sessions")
    assert "Firefox on Linux this one" in text
    assert "Safari on iPhone" in text
    assert "Edge" not in text
    assert "Your sessions" in signed_in.text("/")


def test_one_is_ended(signed_in, app, account, ada):
    other = Browser(app)
    other.sign_in(a_session(account, ada))
    stranger = rows(Session)[-1].id
    answer = signed_in.submit("/me/sessions", f"/me/sessions/{stranger}/end")
    assert (answer.status_code, answer.location) == (303, "/me/sessions")
    assert other.get("/").status_code == 303
    assert signed_in.get("/").status_code == 200
    (event,) = audit(account, "session.revoked")
    assert event.actor_id == ada
    assert event.after == {"reason": "ended by its owner", "session": stranger}


def test_all_others_are_ended(signed_in, account, ada):
    a_session(account, ada)
    a_session(account, ada)
    signed_in.submit("/me/sessions", "/me/sessions/end-others")
    assert signed_in.get("/").status_code == 200
    assert len(rows(Session, revoked_at=None)) == 1
    assert "End all others" not in signed_in.text("/me/sessions")


def test_nobody_ends_what_is_not_theirs(signed_in, account):
    mine = row(Session).id
    eve = a_user(account, "eve")
    a_session(account, eve)
    other = an_account("Other")
    a_session(other, a_user(other, "eve"))
    token = dict(Browser.form(signed_in, "/", "/sign-out").form_values())
    for each in rows(Session):
        if each.id != mine:
            answer = signed_in.post(f"/me/sessions/{each.id}/end", data=token)
            assert answer.status_code == 404
    assert signed_in.post("/me/sessions/nothing/end", data=token).status_code == 404
    assert len(rows(Session, revoked_at=None)) == 3


def test_another_site_ends_nothing(signed_in, account, ada):
    a_session(account, ada)
    for each in rows(Session):
        assert signed_in.post(f"/me/sessions/{each.id}/end").status_code == 400
    assert signed_in.post("/me/sessions/end-others").status_code == 400
    assert len(rows(Session, revoked_at=None)) == 2


def test_who_is_not_signed_in_comes_back_here_afterwards(browser):
    answer = browser.get("/me/sessions")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/me/sessions")
    token = dict(browser.form("/sign-in", "/sign-in").form_values())
    for path in ("/me/sessions/x/end", "/me/sessions/end-others"):
        assert browser.post(path, data=token).status_code == 303


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537 Edg/120", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Mac OS X 10_15_7) Chrome/120 Safari/537", "Chrome on macOS"),
        ("curl/8", "An unknown program"),
        ("", "An unknown program"),
    ],
)
def test_devices_have_names(user_agent, device):
    assert device_of(user_agent) == device
