"""A caller of the API, for the tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import g, session
from flask_wtf.csrf import generate_csrf

from app.access.permissions import ACTIONS
from app.directory import tokens
from app.security.sessions import cookie_name
from tests.conftest import write
from tests.factories import a_session, name_of_next_token

CSRF_FIELD = "csrf_token"


def an_api_token(account_id: str, actions: Iterable[str] = ACTIONS, **options: Any) -> str:
    with write(account_id) as work:
        name = name_of_next_token(account_id)
        return tokens.create_for_api(work, name, set(actions), **options).secret


def signed_in(app, account_id: str, user_id: str) -> Api:
    """The API as a person calls it whose browser has a session, and a page's token of forms."""
    settings = app.extensions["gatehouse"]
    api = Api(app, None, cookies=True)
    with app.test_request_context():
        api.csrf = generate_csrf()
        signed = session[CSRF_FIELD]
    with api.client.session_transaction() as browser:
        browser[CSRF_FIELD] = signed
    api.client.set_cookie(cookie_name(settings), a_session(account_id, user_id))
    return api


def forget_the_last_request() -> None:
    """Forget who called: one context of the application serves all requests of a test."""
    for name in ("caller", "request_id", "csrf_valid"):
        g.pop(name, None)


class Api:
    """Calls ``/api/v1`` with a token, as JSON."""

    def __init__(self, app, token: str | None, *, cookies: bool = False) -> None:
        self.client = app.test_client(use_cookies=cookies)
        self.token = token
        self.csrf: str | None = None

    def call(self, method: str, path: str, json: Any = None, **headers: str):
        forget_the_last_request()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.csrf is not None:
            sent["X-CSRFToken"] = self.csrf
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers=sent)

    def get(self, path: str, **headers: str):
        return self.call("GET", path, **headers)

    def post(self, path: str, json: Any = None, **headers: str):
        return self.call("POST", path, {} if json is None else json, **headers)

    def patch(self, path: str, json: Any, **headers: str):
        return self.call("PATCH", path, json, **headers)

    def put(self, path: str, json: Any = None, **headers: str):
        return self.call("PUT", path, json, **headers)

    def delete(self, path: str, **headers: str):
        return self.call("DELETE", path, **headers)

    def all(self, path: str, limit: int = 2) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items, cursor = [], ""
        while cursor is not None:
            mark = "&" if "?" in path else "?"
            page = self.get(f"{path}{mark}limit={limit}{cursor and '&cursor=' + cursor}").json
            items, cursor = items + page["items"], page["next"]
        return items
