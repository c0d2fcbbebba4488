"""Failures make the next try wait: counted before it, in the database, whoever asks at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import attempts
from app.directory.attempts import Counted, TooManyAttempts
from app.store.models import Attempts
from app.store.types import now
from tests.inspection import rows
from tests.threads import at_once

ADA = Counted("name:ada", 3)


def at(monkeypatch, moment) -> None:
    monkeypatch.setattr(attempts, "now", lambda: moment)


def test_some_are_free_then_each_waits_longer(app, monkeypatch):
    moment = now()
    waits = []
    for _ in range(14):
        at(monkeypatch, moment)
        attempts.begin([ADA])
        waits.append(seconds_to_wait())
        moment += timedelta(seconds=waits[-1])
    assert waits[:7] == [0, 0, 0, 3, 5, 9, 17]
    assert max(waits) == 15 * 60 + 1


def seconds_to_wait() -> int:
    """How long the next try would have to wait. It is not made."""
    (row,) = rows(Attempts)
    left = (row.wait_until - attempts.now()).total_seconds()
    return int(left) + 1 if left > 0 else 0


def test_others_do_not_wait(app):
    for _ in range(4):
        attempts.begin([ADA])
    with pytest.raises(TooManyAttempts):
        attempts.begin([ADA])
    attempts.begin([Counted("name:bob", 3)])


def test_a_success_clears_one_and_eases_the_other(app):
    network = Counted("network:192.0.2.1", 3)
    for _ in range(3):
        attempts.begin([ADA, network])
    attempts.succeeded([ADA], [network])
    for _ in range(2):
        attempts.begin([ADA, network])
    with pytest.raises(TooManyAttempts):
        attempts.begin([Counted("name:bob", 3), network])


def test_they_are_forgotten_after_a_day(app, monkeypatch):
    moment = now()
    at(monkeypatch, moment)
    for _ in range(4):
        attempts.begin([ADA])
    at(monkeypatch, moment + timedelta(days=1, seconds=1))
    attempts.begin([ADA])
    attempts.begin([ADA])
    at(monkeypatch, moment + timedelta(days=3))
    attempts.forget_old()
    assert rows(Attempts) == []


def test_nothing_that_is_counted_can_be_read(app):
    attempts.begin([ADA])
    assert "ada" not in str(rows(Attempts))


def test_tries_at_the_same_moment_all_count(app):
    results = at_once(app, [(attempts.begin, [ADA])] * 12)
    assert {type(each) for each in results if each} == {TooManyAttempts}
    assert sum(each is None for each in results) == 4


def test_a_success_at_the_moment_of_a_try_is_in_nobodys_way(app):
    def begin_and_succeed(counted):
        for _ in range(25):
            attempts.begin([counted])
            attempts.succeeded([counted])

    assert at_once(app, [(begin_and_succeed, Counted("name:ada", 100))] * 4) == [None] * 4
