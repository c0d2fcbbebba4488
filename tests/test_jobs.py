"""Background work: each job at its turn, by one process, whatever becomes of the others."""

from __future__ import annotations

import threading
from collections import deque
from datetime import timedelta

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from app import jobs
from app.directory import due
from app.jobs import Job, run_due
from app.store import driver
from app.store.database import db
from app.store.models import Job as JobRow
from app.store.types import now
from tests.inspection import row, rows
from tests.threads import at_once

HOUR = timedelta(hours=1)


def test_a_job_runs_at_its_turn_and_not_before(app):
    ran = []
    job = Job("count", HOUR, lambda: ran.append(1))
    assert (run_due([job]), run_due([job])) == (["count"], [])
    db.session.execute(update(JobRow).values(due_at=now()))
    db.session.commit()
    assert run_due([job]) == ["count"]
    assert len(ran) == 2
    assert row(JobRow).problem is None and row(JobRow).done_at is not None


def test_a_job_that_fails_is_noted_and_keeps_nobody_from_their_turn(app):
    def fail() -> None:
        raise RuntimeError("broken")

    with capture_logs() as lines:
        assert run_due([Job("bad", HOUR, fail), Job("good", HOUR, lambda: None)]) == ["good"]
    assert row(JobRow, name="bad").problem == "RuntimeError: broken"
    assert [(line["event"], line["job"]) for line in lines] == [("job failed", "bad")]


@pytest.mark.parametrize("known", [False, True])
def test_of_two_processes_one_does_it(app, known):
    if known:
        due.claim("once", HOUR)
        db.session.execute(update(JobRow).values(due_at=now()))
        db.session.commit()
    got = []
    raised = at_once(app, [(lambda name: got.append(due.claim(name, HOUR)), "once")] * 4)
    assert raised == [None] * 4
    assert sorted(got) == [False, False, False, True]


def test_the_thread_works_until_it_is_told_to_stop(app, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    ran = threading.Event()
    worker = jobs.start(app, [Job("soon", HOUR, ran.set)])
    try:
        assert ran.wait(10)
    finally:
        worker.end()


def test_a_process_that_stops_gives_back_what_it_has_begun(app, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    begun, may_end, ran = threading.Event(), threading.Event(), []

    def slow() -> None:
        begun.set()
        may_end.wait(20)

    every = [Job("slow", HOUR, slow), Job("next", HOUR, lambda: ran.append(1))]
    worker = jobs.start(app, every)
    try:
        assert begun.wait(10)
        assert row(JobRow, name="slow").due_at > now()
        worker.end(0.05)
        assert row(JobRow, name="slow").due_at <= now()
    finally:
        may_end.set()
        worker.end()
    assert ran == []


def test_every_job_of_the_application_can_run(app):
    jobs = app.extensions["gatehouse_jobs"]
    assert run_due(jobs) == [job.name for job in jobs]
    assert [each.problem for each in rows(JobRow)] == [None] * len(jobs)


def test_a_connection_that_cannot_be_closed_ends_no_thread(monkeypatch):
    class Left:
        closed = 0

        def close(self) -> None:
            Left.closed += 1
            raise OSError("gone")

    monkeypatch.setattr(driver, "_left", deque([Left(), Left()]))
    with capture_logs() as lines:
        driver.close_left()
    assert Left.closed == 2
    assert [str(each["exc_info"]) for each in lines] == ["gone", "gone"]
