"""The one place that wires everything."""

from __future__ import annotations

import gc
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from werkzeug.exceptions import HTTPException

    from app.jobs import Job
    from app.settings import Settings


FOR_PROGRAMS = ("/api", "/access", "/events", "/oauth", "/healthz", "/readyz", "/metrics")
"""Where errors are answered with problem documents, not with pages."""
ANSWERED_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")
"""Those of an error that its answer keeps, in whichever form it is."""


def create_app(
    settings: Settings | None = None, *, faces: bool = True, makes_key: bool = True
) -> Flask:
    """Return the application.

    :param settings: Read from the environment when not given.
    :param faces: Whether it answers requests; a command does without, and starts faster.
    :param makes_key: Whether the secret key of a first run is made, if the settings are not given.
    :raises SettingsError: When a setting is missing or cannot be read.
    """
    from app import logs, metrics
    from app.routing import LazyRule
    from app.security.requests import BoundedRequest
    from app.settings import Settings
    from app.store.database import init_database
    from app.web import Application

    settings = settings or Settings.from_environment(makes_key=makes_key)
    logs.configure(settings)
    app = Application("gatehouse", root_path=str(Path(__file__).parent), static_folder=None)
    app.request_class = BoundedRequest
    app.url_rule_class = LazyRule
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes  # of forms with a file too
    app.config["SESSION_COOKIE_NAME"] = "gatehouse_form"
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["SESSION_COOKIE_SECURE"] = settings.https
    app.extensions["gatehouse"] = settings
    url, seconds = settings.resolved_database_url, settings.database_seconds
    init_database(app, url, settings.threads, seconds, serves=faces)
    # What other faces need of SAML, which they may not import (``app.saml_parts``).
    app.extensions["gatehouse_saml"] = lambda part: import_module(f"saml.{part}")
    # Set when the process is told to stop: what waits for nothing urgent is to end.
    app.extensions["gatehouse_stopping"] = threading.Event()
    app.extensions["gatehouse_jobs"] = _jobs()
    app.extensions["gatehouse_operations"] = {
        "import": _call("app.directory.imports.run", "carry_on"),
        "drift": _call("app.directory.drift.run", "carry_on"),
    }
    if faces:
        logs.log_requests(app)
        metrics.count_requests(app)
        if settings.otel_endpoint:
            from app import telemetry

            telemetry.trace_requests(app, telemetry.provider_for(settings))
        _register_faces(app)
        _answer_errors(app)
        _finish_answers(app, settings)
    return app


def create_serving_app() -> Flask:
    """Return the application of a server process, which does background work too."""
    # What the application is made of stays for good: no collection need ever look through it.
    gc.disable()
    from app import deliveries, jobs, memory, operations, shared_limits
    from app.background import end_with_process, end_without_parent, when_told_to_stop

    memory.give_back()
    app = _checked_app()
    workers = [
        jobs.start(app, app.extensions["gatehouse_jobs"]),
        operations.start(app),
        deliveries.start(app),
    ]
    if not app.extensions["gatehouse"].embedded:  # which one process has for itself
        workers.append(shared_limits.start(app))

    def stop() -> None:
        app.extensions["gatehouse_stopping"].set()
        for each in workers:
            each.tell()

    when_told_to_stop(stop)
    end_without_parent(app.extensions["gatehouse"].stop_seconds)
    end_with_process(workers)
    gc.freeze()
    gc.enable()
    return app


def _checked_app() -> Flask:
    """Return the application, unless its secret key is not that of the data any more.

    The command has looked, but whoever takes the place of a process that was killed reads the file
    of the embedded database's key again; elsewhere the key is that of the environment.
    """
    import structlog

    from app.settings import SettingsError
    from app.store.database import close_database
    from app.upkeep import UpkeepError

    try:
        app = create_app()
        settings: Settings = app.extensions["gatehouse"]
        if settings.embedded:
            from app.upkeep.inspection import refuse_another_key

            with app.app_context():
                refuse_another_key(settings.secret_key)
                close_database()
        return app
    except (SettingsError, UpkeepError) as error:
        structlog.get_logger("gatehouse").error(str(error))
        raise SystemExit(1) from None


def main() -> None:
    """The ``gatehouse`` command."""
    from app.cli import cli

    cli(obj=create_app)


def _jobs() -> tuple[Job, ...]:
    """Return the background work."""
    from datetime import timedelta

    from app.jobs import Job

    hour = timedelta(hours=1)
    return (
        Job("saml metadata", timedelta(minutes=10), _call("saml.refresh", "refresh_all")),
        Job("audit seal", timedelta(minutes=1), _call("app.directory.audit_chain", "seal_all")),
        Job("reviews", timedelta(minutes=1), _call("app.review_mails", "work")),
        Job("old traces", hour, _call("app.directory.traces", "forget_old")),
        Job("old sign-ins", hour, _call("app.directory.sign_in", "forget_old")),
        Job("old counts", hour, _call("app.directory.request_counts", "forget_old")),
        Job("old attempts", hour, _call("app.directory.attempts", "forget_old")),
        Job("old sessions", hour, _call("app.directory.sessions", "forget_old")),
        Job("old answers", hour, _call("app.directory.idempotency", "forget_old")),
        Job("old tombstones", hour, _call("app.directory.tombstones", "forget_old")),
        Job("old codes", hour, _call("app.directory.applications", "forget_old_codes")),
        Job("old events", hour, _call("app.directory.streams", "forget_old")),
        Job("old operations", hour, _call("app.directory.operations", "forget_old")),
    )


def _call(module: str, function: str) -> Callable[..., object]:
    """Return a function of a module that is loaded when it is called first."""
    return lambda *arguments: getattr(import_module(module), function)(*arguments)


def _register_faces(app: Flask) -> None:
    from app.api.authzen import blueprint as authzen
    from app.api.events import blueprint as events
    from app.api.forward_auth import blueprint as forward_auth
    from app.api.oauth import blueprint as oauth
    from app.api.openapi import blueprint as openapi
    from app.api.routes import blueprint as api
    from app.api.session_tokens import blueprint as session_tokens
    from app.api.v1 import whole as admin_api
    from app.console import init_console
    from saml.face import logout as saml_logout
    from saml.face import sign_in as saml_sign_in
    from scim.routes import blueprint as scim

    for blueprint in (scim, saml_sign_in, saml_logout, api, oauth, forward_auth, session_tokens):
        app.register_blueprint(blueprint)
    for blueprint in (admin_api(), openapi, authzen, events):
        app.register_blueprint(blueprint)
    init_console(app)


def _answer_errors(app: Flask) -> None:
    """Let each face answer what went wrong outside of its own routes, in its own form."""
    from flask import request
    from werkzeug.exceptions import HTTPException

    from app import logs
    from app.api.problems import problem
    from app.console.errors import http_error_page
    from scim.routes import error_response as scim_error

    def is_under(*paths: str) -> bool:
        return request.path in paths or request.path.startswith(tuple(f"{p}/" for p in paths))

    @app.errorhandler(Exception)
    def answer(error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            logs.log_failure(error)
            error = _as_http(error)
        if is_under("/scim"):
            return scim_error(error)
        if is_under(*FOR_PROGRAMS):
            response = problem(error.code or 500, error.name, error.description or "")
        else:
            response = http_error_page(error)
        response.headers.extend(
            (name, value) for name, value in error.get_headers() if name in ANSWERED_HEADERS
        )
        return response


def _as_http(error: Exception) -> HTTPException:
    """Return what something unexpected is to the client: a while to wait, or a fault of ours."""
    from werkzeug.exceptions import InternalServerError, ServiceUnavailable

    from app.security.requests import BUSY_SECONDS, InsufficientStorage
    from app.security.secrets import SealError
    from app.store.database import db
    from app.store.outages import is_outage
    from app.store.temporary import NoRoom

    if isinstance(error, NoRoom):
        return InsufficientStorage()
    if isinstance(error, SealError):
        return InternalServerError(
            "What is needed here was sealed with another secret key. Whoever runs the server is "
            "told by gatehouse doctor what to do."
        )
    busy = is_outage(error, db.engine)
    return ServiceUnavailable(retry_after=BUSY_SECONDS) if busy else InternalServerError()


def _finish_answers(app: Flask, settings: Settings) -> None:
    from app.security.headers import add_missing, security_headers
    from app.security.requests import request_id

    headers = security_headers(settings)

    @app.after_request
    def finish(response: Response) -> Response:
        add_missing(response, headers | {"X-Request-Id": request_id()})
        return response
