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
    yield
    limits._counted.clear()


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
