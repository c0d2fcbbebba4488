"""Flask, less what none of our requests needs: each takes as long as a statement of SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class FormSessions(SecureCookieSessionInterface):
    """The cookie that forms are protected with. A program that brings none gets an empty one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.accessed or session.modified:
            super().save_session(app, session, response)

    @cache  # noqa: B019 - there is one for the process
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)


class ReadyResponse(Response):
    """An answer with a body whose headers go out as they are: ASCII, and none too many."""

    def __init__(
        self, body: bytes, headers: Mapping[str, str], content_type: str, status: int = 200
    ) -> None:
        own = {"Content-Length": str(len(body)), **headers}
        super().__init__(body, status, own, content_type=content_type)

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return self.headers


class Application(Flask):
    """The application. Its views are plain functions, which nobody has to look at each time."""

    session_interface = FormSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func
