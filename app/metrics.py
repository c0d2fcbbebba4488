"""What Prometheus reads of this process: requests answered, and how the installation stands.

Requests are counted in a plain dictionary, which the exposition is made from when somebody asks:
the library's own counters take seven times as long. Nothing is told by account or by person.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from flask import Flask, Response, current_app, g

from app.security.requests import current_request

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets, in seconds."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger("gatehouse")


class _Key(NamedTuple):
    method: str
    route: str
    status: int


class Requests:
    """The requests a process has answered, by method, route and status."""

    def __init__(self) -> None:
        self._lock = Lock()
        # Of each: how many fell into which bucket, the last one without bound; and the seconds.
        self._counts: dict[tuple[str, str, int], list[int]] = {}
        self._seconds: dict[tuple[str, str, int], float] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        key = (method, route, status)
        bucket = bisect_left(BOUNDS, seconds)
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = [0] * (len(BOUNDS) + 1)
                self._seconds[key] = 0.0
            counts[bucket] += 1
            self._seconds[key] += seconds

    def collect(self) -> Iterator[Metric]:
        """Return them as Prometheus has them: a counter by status, and a histogram."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        with self._lock:
            counts = {_Key(*key): list(each) for key, each in self._counts.items()}
            seconds = {_Key(*key): each for key, each in self._seconds.items()}
        labels = ("method", "route")
        answered = CounterMetricFamily(
            "gatehouse_requests", "Requests answered.", labels=(*labels, "status")
        )
        took = HistogramMetricFamily(
            "gatehouse_request_seconds", "Time to the answer's headers, in seconds.", labels=labels
        )
        for key, each in counts.items():
            answered.add_metric([key.method, key.route, str(key.status)], sum(each))
        for method, route in dict.fromkeys((key.method, key.route) for key in counts):
            same = [key for key in counts if (key.method, key.route) == (method, route)]
            buckets = [sum(column) for column in zip(*(counts[key] for key in same), strict=True)]
            took.add_metric([method, route], _cumulated(buckets), sum(seconds[key] for key in same))
        yield from (answered, took)


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    names = [*map(str, BOUNDS), "+Inf"]
    return [(name, sum(buckets[: place + 1])) for place, name in enumerate(names)]


def count_requests(app: Flask) -> None:
    """Count each request of the application when it has been answered."""
    counted = app.extensions["gatehouse_requests"] = Requests()

    @app.after_request
    def note(response: Response) -> Response:
        took = time.perf_counter() - g.get("started", time.perf_counter())
        asked = current_request()
        rule = asked.url_rule
        method = asked.method if asked.method in METHODS else "(other)"
        counted.note(method, rule.rule if rule else "(none)", response.status_code, took)
        return response


@cache
def tell_how_to_read() -> None:
    """Log, once in a process, which settings say who may read them."""
    log.warning(
        "metrics refused",
        reason="No setting says who may read /metrics: set GATEHOUSE_METRICS_NETWORKS or "
        "GATEHOUSE_METRICS_TOKEN (docs/operation.md). This is said once.",
    )


def exposition(accept: str) -> tuple[bytes, str]:
    """Return the metrics of this process and their media type, in the form that is asked for.

    :param accept: The header of the request.
    """
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(_registry(current_app.extensions["gatehouse_requests"])), content_type


@cache
def _registry(requests: Requests) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
    from prometheus_client.registry import Collector

    class Gauges(Collector):
        def collect(self) -> Iterable[Metric]:
            return _gauges()

        def describe(self) -> Iterable[Metric]:
            return ()  # Otherwise they would be collected to learn their names.

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(requests)
    registry.register(Gauges())
    return registry


def _gauges() -> Iterator[Metric]:
    """Return how things stand. Without a database this tells that, and what the process knows."""
    from sqlalchemy.exc import SQLAlchemyError

    yield _gauge("gatehouse_build_info", "What runs here.", 1, version=version("gatehouse"))
    yield from _pool()
    try:
        found = [*_jobs(), *_pending()]
        is_up = 1
    except SQLAlchemyError as error:
        log.error("metrics incomplete", exc_info=error)
        found, is_up = [], 0
    yield _gauge("gatehouse_database_up", "1: the database answers.", is_up)
    yield from found


def _pool() -> Iterator[Metric]:
    from app.store.database import db

    pool: Any = db.engine.pool
    if hasattr(pool, "checkedout"):
        yield _gauge("gatehouse_database_pool_size", "Connections kept.", pool.size())
        in_use = pool.checkedout()
        yield _gauge("gatehouse_database_pool_in_use", "Connections in use.", in_use)


def _jobs() -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    from app.directory import due

    done = GaugeMetricFamily(
        "gatehouse_job_done_timestamp_seconds", "When it ended the last time.", labels=["job"]
    )
    due_at = GaugeMetricFamily(
        "gatehouse_job_due_timestamp_seconds", "When its next turn is.", labels=["job"]
    )
    failed = GaugeMetricFamily(
        "gatehouse_job_failed", "1: it failed the last time.", labels=["job"]
    )
    for row in due.listed():
        if row.done_at is not None:
            done.add_metric([row.name], row.done_at.timestamp())
        due_at.add_metric([row.name], row.due_at.timestamp())
        failed.add_metric([row.name], int(row.problem is not None))
    yield from (done, due_at, failed)


def _pending() -> Iterator[Metric]:
    from app.lists import pending

    events, unsealed = pending.outgoing_events(), pending.unsealed_events()
    name = "gatehouse_outgoing_events_pending"
    yield _gauge(name, "Events to be told to others, at most 10000 a stream.", events.count)
    name = "gatehouse_outgoing_events_oldest_seconds"
    yield _gauge(name, "How long the oldest of them has waited.", events.age.total_seconds())
    name = "gatehouse_audit_events_unsealed"
    yield _gauge(name, "Audit events that wait for their seal.", unsealed.count)


def _gauge(name: str, doc: str, value: float, **labels: str) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, doc, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family
