"""Structured logs on standard error: one JSON object a line, never a secret.

Of a request they say the route, not the path: a path may hold a sign-in link.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, has_request_context
from structlog.typing import EventDict, Processor

from app.security.requests import client_address, current_request, request_id
from app.settings import Settings

log = structlog.get_logger("gatehouse")


class _Shown:
    """What the level lets through; asked of each request."""

    requests = True


_shown = _Shown()


def configure(settings: Settings) -> None:
    """Set the one form of all log lines of this process, those of libraries too."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    _shown.requests = level <= logging.INFO
    start: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]
    end: list[Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_line),
    ]
    structlog.configure(
        processors=[*start, *end],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _take_over_libraries(level, start, end)


def _take_over_libraries(level: int, start: list[Processor], end: list[Processor]) -> None:
    """Give the lines of libraries our form: warnings and worse, for the rest may hold secrets."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*start, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING))


def log_requests(app: Flask) -> None:
    """Write one line for each request, when it has been answered."""

    @app.before_request
    def start() -> None:
        g._get_current_object().started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        if _shown.requests:
            _write_request(response)
        return response


def _write_request(response: Response) -> None:
    """Write the line of a request. Not by the processors: it is by far the most frequent one."""
    took = time.perf_counter() - g.get("started", time.perf_counter())
    asked = current_request()
    rule = asked.url_rule
    line = {
        "event": "request",
        "method": asked.method,
        "route": rule.rule if rule else "(none)",
        "status": response.status_code,
        "milliseconds": round(took * 1000, 2),
        "address": client_address(),
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "request_id": request_id(),
    }
    sys.stderr.write(_line(line) + "\n")


def _line(event: EventDict, **_options: Any) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # half a surrogate pair, or a number of many digits
        return json.dumps(event, default=repr)


def log_failure(error: BaseException) -> None:
    """Write down something unexpected, with its stack trace. The client is not told."""
    log.error("request failed", exc_info=error)


def _add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if has_request_context():
        event["request_id"] = request_id()
    return event
