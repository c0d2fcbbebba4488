"""What holds for every answer, whichever face gives it: its form when all fails, its headers."""

from __future__ import annotations

import errno
import gc
import json
from weakref import ref

import pytest
from flask import Flask, url_for
from werkzeug.routing import Rule

from app.factory import create_app
from app.settings import Settings
from app.store.temporary import NoRoom
from tests.conftest import SECRET_KEY, make_app

SECRET = "what only the log may say"
FORMS = {
    "/scim": "application/scim+json",
    "/scim/boom": "application/scim+json",
    "/api/boom": "application/problem+json",
    "/boom": "text/html",
}


@pytest.fixture
def failing(tmp_path) -> Flask:
    """An application whose every path of FORMS fails."""
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    for path in FORMS:
        app.add_url_rule(path, path, _fail)
    return app


def _fail():
    raise RuntimeError(SECRET)


@pytest.mark.parametrize(("path", "form"), FORMS.items())
def test_the_unexpected_is_answered_in_the_form_of_the_face(failing, path, form):
    answer = failing.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (500, form)
    text = answer.get_data(as_text=True)
    assert SECRET not in text and "Traceback" not in text
    if form != "application/scim+json":  # RFC 7644 §3.12 leaves no place for it.
        assert answer.headers["X-Request-Id"] in text


@pytest.mark.parametrize(
    ("error", "status"), [(NoRoom(), 507), (OSError(errno.ENOSPC, SECRET), 500)]
)
def test_want_of_room_is_told_of_what_was_sent_alone(tmp_path, error, status):
    def fail():
        raise error

    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    app.add_url_rule("/api/boom", "boom", fail)
    answer = app.test_client().get("/api/boom")
    assert answer.status_code == status
    assert ("room for the file" in answer.get_data(as_text=True)) == (status == 507)


def test_the_unexpected_is_logged_with_its_stack_and_without_secrets(tmp_path, capsys):
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    app.add_url_rule("/boom/<name>", "boom", lambda name: _fail())
    answer = app.test_client().get(
        "/boom/in-the-path?key=in-the-query",
        headers={"Authorization": "Bearer in-the-header", "Cookie": "gatehouse=in-the-cookie"},
    )
    printed = capsys.readouterr().err
    failure, request = map(json.loads, printed.splitlines())
    assert SECRET in failure["exception"] and "_fail" in failure["exception"]
    assert failure["level"] == "error"
    assert failure["request_id"] == request["request_id"] == answer.headers["X-Request-Id"]
    assert (request["route"], request["status"]) == ("/boom/<name>", 500)
    assert "in-the-" not in printed


@pytest.mark.parametrize(
    ("method", "path", "status", "form"),
    [
        ("GET", "/scim", 404, "application/scim+json"),
        ("GET", "/scim/v1/Users", 404, "application/scim+json"),
        ("TRACE", "/scim/v2/Users", 405, "application/scim+json"),
        ("GET", "/scimitar", 404, "text/html"),
        ("GET", "/api", 404, "application/problem+json"),
        ("GET", "/healthzz", 404, "text/html"),
        ("PUT", "/readyz", 405, "application/problem+json"),
        ("PUT", "/sign-in", 405, "text/html"),
    ],
)
def test_what_no_route_takes_is_answered_in_the_form_of_the_face(app, method, path, status, form):
    answer = app.test_client().open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, form)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/scim/v2/Users", "/api/session", "/healthz", "/sign-in", "/no"])
def test_every_answer_is_guarded(app, path):
    headers = app.test_client().get(path).headers
    assert len(headers["X-Request-Id"]) == 36
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_browsers_are_told_to_stay_with_https():
    settings = Settings(
        secret_key=SECRET_KEY, database_url="sqlite://", public_url="https://g.example"
    )
    headers = create_app(settings).test_client().get("/healthz").headers
    assert headers["Strict-Transport-Security"].startswith("max-age=")


def test_what_builds_urls_is_compiled_when_it_is_needed(tmp_path, monkeypatch):
    compiled, compile_builder = [], Rule._compile_builder

    def note(rule, append_unknown=True):
        compiled.append(rule.endpoint)
        return compile_builder(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", note)
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    assert compiled == []
    with app.test_request_context():
        for _ in range(2):
            assert url_for("person.shown", user_id="a b", rule="r") == "/people/a%20b?rule=r"
    assert compiled == ["person.shown"]


def test_nothing_keeps_an_application_that_is_done_with(tmp_path):
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    app.test_client().get("/sign-in")
    kept = ref(app)
    del app
    gc.collect()
    assert kept() is None
