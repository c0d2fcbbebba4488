"""How often a caller may ask: counted apart, told when to come again, in bounded memory."""

from __future__ import annotations

from time import time

import pytest

from app.security import limits
from app.security.limits import seconds_to_wait
from app.store.types import new_id


@pytest.fixture(autouse=True)
def counting_anew():
    limits._counted.clear()
    limits._busy.clear()
    yield
    limits._counted.clear()
    limits._busy.clear()


def test_callers_are_counted_apart():
    assert [seconds_to_wait("scim:a", 2) for _ in range(2)] == [0, 0]
    assert 1 <= seconds_to_wait("scim:a", 2) <= 60
    assert seconds_to_wait("scim:b", 2) == 0
    assert seconds_to_wait("oauth:a", 2) == 0


def test_after_the_time_told_the_next_is_welcome(monkeypatch):
    seconds_to_wait("scim:a", 1)
    wait = seconds_to_wait("scim:a", 1)
    at = time() + wait
    monkeypatch.setattr("time.time", lambda: at)
    assert seconds_to_wait("scim:a", 1) == 0


def test_the_default_allows_what_entra_asks_for():
    from app.settings import Settings

    per_minute = Settings().scim_requests_per_minute
    assert per_minute >= 25 * 60
    assert not any(seconds_to_wait("scim:entra", per_minute) for _ in range(25 * 60))


def test_callers_made_up_fill_no_memory(monkeypatch):
    monkeypatch.setattr(limits, "COUNTERS", 50)
    for _ in range(500):
        seconds_to_wait(f"oauth:192.0.2.1:{new_id()}", 60)
    assert len(limits._counted) <= 50


def test_callers_made_up_do_not_reset_the_others():
    assert [seconds_to_wait("scim:a", 2) for _ in range(2)] == [0, 0]
    for _ in range(20_000):
        seconds_to_wait(f"oauth:192.0.2.1:{new_id()}", 60)
    assert seconds_to_wait("scim:a", 2) > 0


def test_nobody_is_counted_with_another_while_there_is_room():
    callers = [f"address:{new_id()}" for _ in range(20_000)]
    assert [seconds_to_wait(each, 1) for each in callers] == [0] * 20_000
    assert all(seconds_to_wait(each, 1) for each in callers)


def test_minutes_that_are_over_make_room(monkeypatch):
    monkeypatch.setattr(limits, "COUNTERS", 50)
    for _ in range(500):
        seconds_to_wait(f"oauth:192.0.2.1:{new_id()}", 20)
    later = time() + limits.MINUTE
    monkeypatch.setattr("time.time", lambda: later)
    assert seconds_to_wait("scim:a", 1) == 0
    assert len(limits._counted) <= 26  # who made it, and the half that is shared
    assert [each.caller for each in limits.tell()] == []


def test_who_shares_a_counter_does_not_begin_anew_when_there_is_room(monkeypatch):
    monkeypatch.setattr(limits, "COUNTERS", 20)
    begun = time()
    for _ in range(10):
        seconds_to_wait(f"oauth:192.0.2.1:{new_id()}", 60)
    monkeypatch.setattr("time.time", lambda: begun + 50)
    assert [seconds_to_wait("scim:a", 5) for _ in range(5)] == [0] * 5
    monkeypatch.setattr("time.time", lambda: begun + 61)  # Now there is room.
    assert seconds_to_wait("scim:a", 5) > 0
    monkeypatch.setattr("time.time", lambda: begun + 111)
    assert seconds_to_wait("scim:a", 5) == 0


def test_a_clock_that_is_put_back_locks_nobody_out(monkeypatch):
    seconds_to_wait("scim:a", 1)
    assert seconds_to_wait("scim:a", 1) > 0
    earlier = time() - 3600
    monkeypatch.setattr("time.time", lambda: earlier)
    assert seconds_to_wait("scim:a", 1) == 0


def test_what_others_have_counted_counts_here():
    for _ in range(5):
        assert seconds_to_wait("scim:a", 40) == 0
    (told,) = limits.tell()
    assert (told.caller, told.events) == ("scim:a", 5)
    assert limits.tell() == []
    limits.add(told.counter, 35)
    assert seconds_to_wait("scim:a", 40) > 0
    assert [(each.caller, each.events) for each in limits.tell()] == [("scim:a", 1)]


def test_of_who_asks_little_others_are_told_nothing():
    seconds_to_wait("scim:a", 40)
    seconds_to_wait("address:a", 1)
    assert limits.tell() == []
