"""Flask, less what none of our requests needs: each takes as long as a statement of SQL."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, g, request_tearing_down
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import Headers
from werkzeug.routing import MapAdapter, Rule

from app.store.database import db
from app.store.outages import was_overtaken

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TRIES = 4
"""How often a request is tried."""
LONGEST_REST = 0.05
"""How long is rested before the second time, in seconds: whoever was overtaken by the same write
does not come back at the same moment. Before the others, longer."""
_PLAIN_HOST = re.compile(r"[a-z0-9.-]+(:(?!(80|443)$)([1-9][0-9]{0,3}|[1-5][0-9]{4}))?")
"""What werkzeug takes as it is: in lower case, without a port that goes without saying."""
_REST = "<path:path>"
"""How a rule ends that takes whatever comes."""
_PLAIN_REST = re.compile(r"([!-.0-~]+/)*[!-.0-~]+")
"""Visible ASCII without an empty segment: nothing to be merged, decoded or redirected."""


class FormSessions(SecureCookieSessionInterface):
    """The cookie that forms are protected with. A program that brings none gets an empty one."""

    _serializer: URLSafeTimedSerializer | None = None

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def is_null_session(self, obj: object) -> bool:
        return False  # None of ours is, and asking takes longer.

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.accessed or session.modified:
            super().save_session(app, session, response)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


class ReadyHeaders(Headers):
    """Headers that go out as they are: ASCII, on one line each, and none that a client sent."""

    def __init__(self, ready: Iterable[tuple[str, str]]) -> None:
        self._list = [*ready]

    def extend(self, ready: Any = (), /, **_: str) -> None:
        """Add pairs of a name and a value."""
        self._list += ready


class ReadyResponse(Response):
    """An answer with a body whose headers go out as they are: ASCII, and none too many.

    What is to be done when it is closed is not: nothing of ours asks for that.
    """

    def __init__(
        self, body: bytes, headers: Mapping[str, str], content_type: str, status: int = 200
    ) -> None:
        own = {"Content-Length": str(len(body)), "Content-Type": content_type}
        super().__init__([body], status, ReadyHeaders((own | dict(headers)).items()))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        # As a list the server takes it whole; an iterator it asks for one piece after the other.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else self.response  # type: ignore[return-value]


class Adapter(MapAdapter):
    """Finds the route of a request. What is one view's alone is found by how it begins."""

    whole: Mapping[str, Rule]

    def match(self, *args: Any, **options: Any) -> Any:
        if not args and options == {"return_rule": True}:
            path, method = self.path_info, self.default_method
            for start, rule in self.whole.items():
                if path.startswith(start) and method in (rule.methods or ()):
                    rest = path[len(start) :]
                    if _PLAIN_REST.fullmatch(rest):
                        return rule, {"path": rest}
        return super().match(*args, **options)


class Application(Flask):
    """The application. Its views are plain functions, which nobody has to look at each time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.session_interface = FormSessions()  # of its own, which keeps what it signs with

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None or not _is_plain(request.environ):
            return super().create_url_adapter(request)
        environ = request.environ
        found = Adapter(
            self.url_map,
            server_name=environ["HTTP_HOST"],
            script_name="/",
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=environ["PATH_INFO"],
            default_method=environ["REQUEST_METHOD"],
            query_args=environ["QUERY_STRING"],
        )
        found.whole = self._whole
        return found

    @cached_property
    def _whole(self) -> dict[str, Rule]:
        """The rules that take whatever comes after how they begin, as no other rule does."""
        rules = {each.rule: each for each in self.url_map.iter_rules()}
        found = {}
        for text, rule in rules.items():
            start = text.removesuffix(_REST)
            others = rules.keys() - {text, start}
            if start != text and not any(each.startswith(start) for each in others):
                found[start] = rule
        return found

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def do_teardown_request(self, exc: Any = None) -> None:
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(exc)

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


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether a request needs no look at how it is written to find its route."""
    return (
        "HTTP_UPGRADE" not in environ
        and not environ.get("SCRIPT_NAME")
        and _PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
        and environ.get("PATH_INFO", "é").isascii()
        and environ.get("QUERY_STRING", "é").isascii()
    )


def may_be_done_again(error: Exception) -> bool:
    """Tell whether a request that failed has written nothing, and would succeed as it is."""
    return was_overtaken(error) and "has_written" not in g and "last_try" not in g
