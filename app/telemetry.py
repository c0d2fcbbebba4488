"""Traces, for those who want them (OpenTelemetry): one span for each request.

The libraries are not among ours: ``pip install gatehouse[otel]``. A span says the route, not the
path, which may hold a secret.
"""

from __future__ import annotations

from importlib.metadata import version
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from flask import Flask, Response, g

from app.security.requests import current_request, from_trusted_proxy, request_id
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def provider_for(settings: Settings) -> TracerProvider:
    """Return what sends spans to ``settings.otel_endpoint``, a few at a time, behind the requests.

    :raises SettingsError: When the libraries are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            "GATEHOUSE_OTEL_ENDPOINT needs more libraries. Run: pip install 'gatehouse[otel]'"
        ) from error
    about = {"service.name": "gatehouse", "service.version": version("gatehouse")}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otel_endpoint)))
    Finalize(None, provider.shutdown, exitpriority=1)  # The last ones, when the process ends.
    return provider


def trace_requests(app: Flask, provider: TracerProvider) -> None:
    """Make a span of each request, within the trace that a trusted proxy says it belongs to."""
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    tracer = provider.get_tracer("gatehouse")
    context_in = TraceContextTextMapPropagator().extract

    @app.before_request
    def start() -> None:
        asked = current_request()
        given = {name.lower(): value for name, value in asked.headers.items()}
        parent = context_in(given) if from_trusted_proxy() else None
        rule = asked.url_rule
        route = rule.rule if rule else "(none)"
        g.span = tracer.start_span(
            f"{asked.method} {route}",
            parent,
            SpanKind.SERVER,
            {
                "http.request.method": asked.method,
                "http.route": route,
                "gatehouse.request_id": request_id(),
            },
        )

    @app.after_request
    def end(response: Response) -> Response:
        span = g.pop("span", None)
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
            span.end()
        return response
