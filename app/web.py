"""Flask, less what none of our requests needs: each takes as long as a statement of SQL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, g
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import Headers

from app.store.database import db
from app.store.outages import was_overtaken

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TRIES = 4
"""How often a request is tried."""
LONGEST_REST = 0.05
"""How long is rested before the second time, in seconds: whoever was overtaken by the same write
does not come back at the same moment. Before the others, longer."""


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

    def dispatch_request(self) -> Any:
        """Answer a request; once more, some times, where another write has overtaken its own."""
        for tried in range(TRIES - 1):
            try:
                return super().dispatch_request()
            except Exception as error:
                if not may_be_done_again(error):
                    raise
            db.session.rollback()
            time.sleep(random.uniform(0, LONGEST_REST * (tried + 1)))  # noqa: S311
        g.last_try = True
        try:
            return super().dispatch_request()
        finally:
            del g.last_try


def may_be_done_again(error: Exception) -> bool:
    """Tell whether a request that failed has written nothing, and would succeed as it is."""
    return was_overtaken(error) and "has_written" not in g and "last_try" not in g
