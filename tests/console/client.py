"""A browser without a screen: it keeps cookies and sends forms as a page holds them."""

from __future__ import annotations

from typing import Any

from flask import Flask
from lxml import html
from werkzeug.test import TestResponse

from app.security.sessions import cookie_name


class Browser:
    def __init__(self, app: Flask, base_url: str | None = None) -> None:
        self.app = app
        self.base_url = base_url or app.extensions["gatehouse"].public_url
        self.cookie = cookie_name(app.extensions["gatehouse"])
        self._client = app.test_client()

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send one request, in a context of its own, and read all of the answer."""
        options = {"method": method, "base_url": self.base_url, "buffered": True} | options
        with self.app.app_context():
            return self._client.open(path, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.open("POST", path, **options)

    def submit(
        self, page: str, action: str | None = None, **fields: str | list[str]
    ) -> TestResponse:
        """Open a page, fill in the form that goes to the action, and send it."""
        form = self.form(page, action or page)
        values: dict[str, Any] = {}
        for name, value in form.form_values():
            values.setdefault(name, []).append(value)
        referrer = {"Referer": self.base_url + page}
        return self.post(form.action or page, data=values | fields, headers=referrer)

    def form(self, page: str, action: str) -> html.FormElement:
        (found,) = [form for form in self.page(page).forms if (form.action or page) == action]
        return found

    def page(self, path: str) -> html.HtmlElement:
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return html.document_fromstring(answer.get_data(as_text=True))

    def text(self, path: str) -> str:
        """The words of a page."""
        return " ".join(self.page(path).body.text_content().split())

    def sign_in(self, secret: str) -> None:
        """Hold the cookie of a session."""
        host = self.base_url.partition("://")[2].partition(":")[0]
        self._client.set_cookie(
            self.cookie, secret, domain=host, secure=self.base_url.startswith("https:")
        )

    @property
    def session(self) -> str | None:
        """The secret of the session whose cookie it holds."""
        host = self.base_url.partition("://")[2].partition(":")[0]
        cookie = self._client.get_cookie(self.cookie, domain=host)
        return cookie.value if cookie else None


def set_cookies(answer: TestResponse, name: str) -> list[str]:
    """The Set-Cookie headers of a cookie."""
    return [each for each in answer.headers.getlist("Set-Cookie") if each.partition("=")[0] == name]
