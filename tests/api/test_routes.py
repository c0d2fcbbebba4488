"""The health endpoints and the session, as programs read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from app.directory import users
from app.store.database import db
from app.store.models import Session
from app.store.types import now
from tests.conftest import make_app, write
from tests.console.client import Browser, set_cookies
from tests.factories import a_session, a_user
from tests.inspection import row, statements


def is_problem(answer, status: int) -> dict:
    document = answer.get_json()
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert (document["type"], document["status"]) == ("about:blank", status)
    assert document["title"] and document["detail"]
    assert document["request_id"] == answer.headers["X-Request-Id"]
    return document


def test_healthz_asks_nothing_of_the_database(browser):
    with statements() as seen:
        answer = browser.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "alive"})
    assert seen == []


def test_readyz_when_the_database_is_at_the_newest_migration(browser):
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    "change",
    ["UPDATE alembic_version SET version_num = 'older'", "DROP TABLE alembic_version"],
)
def test_readyz_when_the_tables_are_not_ours(browser, change):
    db.session.execute(text(change))
    db.session.commit()
    assert "gatehouse db upgrade" in is_problem(browser.get("/readyz"), 503)["detail"]


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all.sqlite3", "postgresql+psycopg://u:secret@127.0.0.1:1/nowhere"],
)
def test_readyz_when_the_database_does_not_answer(url):
    browser = Browser(make_app(url))
    answer = browser.get("/readyz")
    assert is_problem(answer, 503)["detail"] == "The database does not answer."
    assert browser.get("/healthz").status_code == 200


def test_the_session_names_the_person_and_the_account(browser, account):
    user_id = a_user(account, "ada@example.com", display_name="Ada Lovelace")
    browser.sign_in(a_session(account, user_id))
    answer = browser.get("/api/session")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json() == {
        "user": {"id": user_id, "userName": "ada@example.com", "displayName": "Ada Lovelace"},
        "account": {"id": account, "name": "Acme"},
    }


def test_nobody_is_signed_in_without_a_cookie(browser):
    answer = browser.get("/api/session")
    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Cookie realm="Gatehouse"'
    assert answer.headers.getlist("Set-Cookie") == []


def test_a_deactivated_person_is_refused_at_the_very_next_request(browser, account):
    user_id = a_user(account)
    browser.sign_in(a_session(account, user_id))
    assert browser.get("/api/session").status_code == 200
    with write(account) as work:
        users.set_active(work, user_id, False)
    answer = browser.get("/api/session")
    is_problem(answer, 401)
    assert "Max-Age=0" in set_cookies(answer, browser.cookie)[0]
    assert browser.session is None


def test_use_is_noted(browser, account):
    user_id = a_user(account)
    browser.sign_in(a_session(account, user_id))
    stale = now() - timedelta(minutes=2)
    db.session.execute(update(Session).values(seen_at=stale))
    db.session.commit()
    browser.get("/api/session")
    assert row(Session, user_id=user_id).seen_at > stale + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("POST", "/api/session", 405), ("POST", "/healthz", 405)],
)
def test_what_is_not_there_is_a_problem_document(browser, method, path, status):
    is_problem(browser.open(method, path), status)
