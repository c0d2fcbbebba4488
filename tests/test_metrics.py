"""What Prometheus reads: who may, what is counted, and what it costs a request."""

from __future__ import annotations

import ipaddress
import timeit
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from app import metrics
from app.directory import audit_chain
from app.jobs import Job, run_due
from app.lists import pending
from app.metrics import Requests
from app.store.database import db, write_transaction
from app.store.models import EventStream, OutgoingEvent
from app.store.types import now
from tests.conftest import make_app
from tests.factories import a_stream, a_user, an_account
from tests.inspection import rows

TOKEN = "a token for metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
DEAREST = 5e-6
"""What counting one request may take, in seconds."""


@pytest.fixture
def reader(database_url):
    """A client of an application of its own, whose metrics the token reads."""
    return make_app(database_url, metrics_token=TOKEN).test_client()


def read(client, **labels: str) -> dict[str, float]:
    """The samples with these labels, by name."""
    text = client.get("/metrics", headers=BEARER).get_data(as_text=True)
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {one.name: one.value for one in samples if labels.items() <= one.labels.items()}


@pytest.mark.parametrize(
    ("settings", "asked", "status"),
    [
        ({}, {}, 404),
        ({}, {"headers": {"Authorization": "Bearer "}}, 404),
        ({"metrics_token": TOKEN}, {}, 401),
        ({"metrics_token": TOKEN}, {"headers": {"Authorization": "Bearer another"}}, 401),
        ({"metrics_token": TOKEN}, {"headers": {"Authorization": "Bearer \xe9"}}, 401),
        ({"metrics_token": TOKEN}, {"headers": BEARER}, 200),
        ({"metrics_networks": "192.0.2.0/24"}, {}, 403),
        ({"metrics_networks": "192.0.2.0/24"}, {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}, 200),
        # Nobody chooses the address they come from.
        ({"metrics_networks": "192.0.2.0/24"}, {"headers": {"X-Forwarded-For": "192.0.2.7"}}, 403),
    ],
)
def test_only_those_read_who_a_setting_names(tmp_path, settings, asked, status):
    if "metrics_networks" in settings:
        settings = {"metrics_networks": (ipaddress.ip_network(settings["metrics_networks"]),)}
    client = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}", **settings).test_client()
    answer = client.get("/metrics", **asked)
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert (b"gatehouse_build_info" in answer.data) == (status == 200)


def test_who_is_refused_for_want_of_a_setting_is_told_in_the_log_once(tmp_path, capsys):
    metrics.tell_how_to_read.cache_clear()
    client = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}").test_client()
    for _ in range(3):
        client.get("/metrics")
    said = capsys.readouterr().err
    assert said.count("GATEHOUSE_METRICS_NETWORKS or GATEHOUSE_METRICS_TOKEN") == 1


def test_requests_are_counted_by_route_and_status_never_by_path(reader):
    for path in ("/healthz", "/healthz", "/no/such/secret"):
        reader.get(path)
    reader.open("/healthz", method="BREW")
    assert read(reader, route="/healthz", status="200")["gatehouse_requests_total"] == 2
    assert read(reader, route="(none)", status="404")["gatehouse_requests_total"] == 1
    assert read(reader, method="(other)")["gatehouse_requests_total"] == 1
    took = read(reader, route="/healthz", method="GET")
    assert took["gatehouse_request_seconds_count"] == took["gatehouse_request_seconds_bucket"] == 2
    assert 0 < took["gatehouse_request_seconds_sum"] < 10
    assert "secret" not in reader.get("/metrics", headers=BEARER).get_data(as_text=True)


def test_a_request_falls_into_its_bucket_and_all_above():
    counted = Requests()
    for seconds in (0.001, 0.002, 0.3, 60.0):
        counted.note("GET", "/", 200, seconds)
    counted.note("GET", "/", 500, 0.3)
    _, histogram = counted.collect()
    buckets = {
        one.labels["le"]: one.value for one in histogram.samples if one.name.endswith("bucket")
    }
    known = {"0.001": 1, "0.0025": 2, "0.25": 2, "0.5": 4, "10.0": 4, "+Inf": 5}
    assert known.items() <= buckets.items()


def test_counting_costs_a_request_next_to_nothing():
    counted = Requests()
    took = timeit.repeat(
        lambda: counted.note("GET", "/scim/v2/Users/<id>", 200, 0.0004), number=1000, repeat=20
    )
    assert min(took) / 1000 < DEAREST


def undelivered():
    """The events after the cursor of the one stream of their account."""
    cursors = {each.account_id: each.cursor for each in rows(EventStream)}
    return [each for each in rows(OutgoingEvent) if each.sequence > cursors[each.account_id]]


def test_how_the_installation_stands(reader, database_url):
    with reader.application.app_context():
        account = an_account()
        a_stream(account)
        a_user(account)
        waiting = len(undelivered())
        unsealed = pending.unsealed_events().count
        run_due([Job("good", timedelta(hours=1), lambda: None)])
        run_due([Job("bad", timedelta(hours=1), lambda: 1 / 0)])
    found = read(reader)
    assert found["gatehouse_database_up"] == 1
    assert found["gatehouse_outgoing_events_pending"] == waiting > 0
    assert 0 < found["gatehouse_outgoing_events_oldest_seconds"] < 600
    assert found["gatehouse_audit_events_unsealed"] == unsealed > 0
    assert found["gatehouse_database_pool_size"] >= found["gatehouse_database_pool_in_use"] >= 0
    assert found["process_resident_memory_bytes"] > 0
    assert read(reader, job="good")["gatehouse_job_failed"] == 0
    assert read(reader, job="bad")["gatehouse_job_failed"] == 1
    done = read(reader, job="good")["gatehouse_job_done_timestamp_seconds"]
    assert abs(done - now().timestamp()) < 60


def test_without_a_database_that_is_what_they_tell(tmp_path):
    client = make_app("sqlite:////nowhere/at/all.sqlite3", metrics_token=TOKEN).test_client()
    found = read(client)
    assert found["gatehouse_database_up"] == 0
    assert found["gatehouse_build_info"] == 1
    assert "gatehouse_outgoing_events_pending" not in found


def test_what_waits_is_counted_so_far_and_no_further(app, monkeypatch):
    accounts = [an_account("One"), an_account("Two")]
    assert pending.outgoing_events() == pending.Pending(0, None)  # Nobody listens.
    for account in accounts:
        a_stream(account)
        a_user(account, "a@example.com")
        a_user(account, "b@example.com")
    events = undelivered()
    assert pending.outgoing_events().count == len(events) > 4
    assert pending.outgoing_events().oldest == min(each.at for each in events)
    monkeypatch.setattr(pending, "COUNTED", 1)
    assert pending.outgoing_events().count == 2
    with write_transaction():
        db.session.execute(update(EventStream).values(cursor=99))
    assert pending.outgoing_events() == pending.Pending(0, None)
    audit_chain.seal_all()
    assert pending.unsealed_events().age == timedelta()
