"""Flask, less what none of our requests needs: each takes as long as a statement of SQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer


class FormSessions(SecureCookieSessionInterface):
    """The cookie that forms are protected with. A program that brings none gets an empty one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    @cache  # noqa: B019 - there is one for the process
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)


class Application(Flask):
    """The application. Its views are plain functions, which nobody has to look at each time."""

    session_interface = FormSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func
