"""Background work: what is due is done by one process of the installation at a time.

Each job has a row with the moment it is due. Whoever moves the moment on does the job, so that
any number of processes may look; a job that fails is due again at its next turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from flask import Flask

LOOK_EVERY = 30.0
"""How often a process looks for what is due, in seconds."""
log = structlog.get_logger("gatehouse")


@dataclass(frozen=True)
class Job:
    """One piece of background work."""

    name: str
    every: timedelta
    run: Callable[[], object]


def run_due(jobs: Iterable[Job]) -> list[str]:
    """Do what is due and nobody else has begun, and return the names of the jobs done."""
    from app.directory import due

    done = []
    for job in jobs:
        if not due.claim(job.name, job.every):
            continue
        problem = None
        try:
            job.run()
            done.append(job.name)
        except Exception as error:  # one job's fault must not keep the others from their turn
            problem = f"{type(error).__name__}: {error}"
            log.error("job failed", job=job.name, exc_info=error)
        due.note(job.name, problem)
    return done


def start(app: Flask, jobs: Iterable[Job]) -> threading.Event:
    """Do what is due from time to time, in a thread, until the returned event is set."""
    stop = threading.Event()
    every = tuple(jobs)

    def work() -> None:
        while not stop.wait(LOOK_EVERY):
            with app.app_context():
                try:
                    run_due(every)
                except Exception as error:  # the database may be away for a while
                    log.error("jobs not looked for", exc_info=error)

    threading.Thread(target=work, name="gatehouse-jobs", daemon=True).start()
    return stop
