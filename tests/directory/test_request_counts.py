"""Requests are counted by all processes together: each hears what it did not count itself."""

from __future__ import annotations

from collections import OrderedDict

import pytest

from app.directory import request_counts
from app.directory.request_counts import Exchange
from app.security import limits
from app.security.limits import MINUTE, seconds_to_wait
from app.store.models import RequestCount
from tests.inspection import row, rows

AT = 1_800_000_000.0


@pytest.fixture
def clock(monkeypatch):
    """The time, to be set."""
    set_to = [AT]
    monkeypatch.setattr("time.time", lambda: set_to[0])
    return set_to


class Process:
    """What one process counts."""

    def __init__(self) -> None:
        self.exchange, self._counted, self._busy = Exchange(), OrderedDict(), {}

    def __enter__(self):
        self._of_others = limits._counted, limits._busy
        limits._counted, limits._busy = self._counted, self._busy
        return self

    def __exit__(self, *_):
        limits._counted, limits._busy = self._of_others

    def ask(self, times: int) -> list[int]:
        with self:
            return [seconds_to_wait("scim:a", 40) for _ in range(times)]

    def hear(self) -> int:
        with self:
            return self.exchange.once()


def test_two_processes_let_through_as_many_as_one(app, clock):
    one, two = Process(), Process()
    assert one.ask(20) + two.ask(10) == [0] * 30
    assert (one.hear(), two.hear()) == (1, 1)
    assert one.ask(5) == [0] * 5 and one.hear() == 1
    assert two.ask(1) == [0] and two.hear() == 1
    assert [bool(wait) for wait in two.ask(5)] == [False] * 4 + [True]
    assert (two.hear(), one.ask(1), one.hear()) == (1, [0], 1)
    assert one.ask(1)[0] > 0


def test_with_the_next_minute_all_is_new(app, clock):
    one, two = Process(), Process()
    for process in (one, two):
        process.ask(40)
        process.hear()
    clock[0] = AT + MINUTE
    assert one.ask(3) + two.ask(3) == [0] * 6
    assert (one.hear(), two.hear()) == (1, 1)
    assert one.ask(30) == [0] * 30


def test_only_a_digest_of_who_asks_is_written_and_not_for_long(app, clock):
    one = Process()
    one.ask(10)
    one.hear()
    assert (row(RequestCount).events, len(row(RequestCount).key)) == (10, 64)
    request_counts.forget_old()
    assert len(rows(RequestCount)) == 1
    for later in (AT + 10 * MINUTE, AT - 10 * MINUTE):
        one.ask(10)
        one.hear()
        clock[0] = later
        request_counts.forget_old()
        assert rows(RequestCount) == []


def test_of_who_asks_little_nothing_is_written(app, clock):
    one = Process()
    one.ask(1)
    assert (one.hear(), rows(RequestCount)) == (0, [])
