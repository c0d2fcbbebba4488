"""Background work: what is due is done by one process of the installation at a time.

Each job has a row with the moment it is due. Whoever moves the moment on does the job, so that
any number of processes may look; a job that fails is due again at its next turn, and one that a
process leaves undone when it stops is due at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.background import Background
from app.store.driver import close_left

if TYPE_CHECKING:
    from flask import Flask

LOOK_EVERY = 30.0
"""How often a process looks for what is due, in seconds."""
FIRST_LOOK = 5.0
"""When it does so first: what was due while nothing ran is not waited for once more."""
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


def start(app: Flask, jobs: Iterable[Job]) -> Background:
    """Do what is due from time to time, in a thread, until it is told to end."""
    every = tuple(jobs)
    begun: set[str] = set()

    def work(stop: threading.Event) -> None:
        wait = min(FIRST_LOOK, LOOK_EVERY)
        while not stop.wait(wait):
            wait = LOOK_EVERY
            close_left()
            with app.app_context():
                for job in every:
                    if stop.is_set():
                        return
                    begun.add(job.name)
                    _look(job)
                    begun.discard(job.name)

    def hand_on() -> None:
        from app.directory import due

        with app.app_context():
            for name in set(begun):  # With the process ends what it has not committed.
                due.give_back(name)

    return Background("gatehouse-jobs", work, hand_on)


def _look(job: Job) -> None:
    try:
        run_due([job])
    except Exception as error:  # the database may be away for a while
        log.error("jobs not looked for", exc_info=error)
