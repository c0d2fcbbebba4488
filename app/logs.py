"""Structured logs on standard error: one JSON object a line, never a secret.

Of a request they say the route, not the path: a path may hold a sign-in link.
"""

from __future__ import annotations

import logging
import sys
import time

import structlog
from flask import Flask, Response, g, request

from app.security.requests import client_address, request_id
from app.settings import Settings

log = structlog.get_logger("gatehouse")


def configure(settings: Settings) -> None:
    """Set the one form of all log lines of this process."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def log_requests(app: Flask) -> None:
    """Write one line for each request, when it has been answered."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "(none)"
        took = time.perf_counter() - g.get("started", time.perf_counter())
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(took * 1000, 2),
            address=client_address(),
            request_id=request_id(),
        )
        return response


def log_failure(error: BaseException) -> None:
    """Write down something unexpected, with its stack trace. The client is not told."""
    log.error("request failed", exc_info=error, request_id=request_id())
