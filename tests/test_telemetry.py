"""One span for each request, with nothing secret in it; and none unless a setting says where to."""

from __future__ import annotations

import ipaddress
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app import telemetry
from app.settings import SettingsError
from tests.conftest import make_app

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """A client of an application that is traced, and what was exported."""
    exported, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    monkeypatch.setattr(telemetry, "provider_for", lambda settings: provider)
    app = make_app(
        f"sqlite:///{tmp_path / 'none.sqlite3'}",
        otel_endpoint="http://collector.example/v1/traces",
        trusted_proxies=(ipaddress.ip_network("10.0.0.0/8"),),
    )
    app.add_url_rule("/boom/<name>", "boom", lambda name: 1 / 0)
    return app.test_client(), exported


def test_a_request_is_a_span_with_its_route_and_id(traced):
    client, exported = traced
    answer = client.get("/healthz")
    (span,) = exported.get_finished_spans()
    assert (span.name, span.parent) == ("GET /healthz", None)
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/healthz",
        "http.response.status_code": 200,
        "gatehouse.request_id": answer.headers["X-Request-Id"],
    }
    assert span.status.is_ok or span.status.is_unset


def test_a_failure_is_one_and_nothing_that_was_sent_is_told(traced):
    client, exported = traced
    client.get("/boom/in-the-path?key=in-the-query", headers={"Cookie": "in-the-cookie"})
    client.get("/in-the-path")
    failed, unknown = exported.get_finished_spans()
    assert not failed.status.is_ok and failed.attributes["http.route"] == "/boom/<name>"
    assert unknown.attributes["http.route"] == "(none)"
    assert "in-the-" not in failed.to_json() + unknown.to_json()


@pytest.mark.parametrize(("peer", "goes_on"), [("10.0.0.1", True), ("192.0.2.1", False)])
def test_a_trace_goes_on_that_a_trusted_proxy_has_begun(traced, peer, goes_on):
    client, exported = traced
    client.get("/healthz", headers=PARENT, environ_base={"REMOTE_ADDR": peer})
    (span,) = exported.get_finished_spans()
    assert (format(span.context.trace_id, "032x") == TRACE) is goes_on


def test_without_the_libraries_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(SettingsError, match=r"gatehouse\[otel\]"):
        make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}", otel_endpoint="http://c.example")


def test_without_a_setting_nothing_is_loaded_for_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "app.telemetry", None)
    assert make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}").test_client().get("/healthz")
