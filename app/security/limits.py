"""How often something may happen in a minute, such as requests of a caller, in each process."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits.strategies import FixedWindowRateLimiter

CALLERS = 10_000
"""Most callers counted at a time. Beyond it all start anew: made-up ones must not fill memory."""


def seconds_to_wait(caller: str, per_minute: int) -> int:
    """Count one event, and return in how many seconds the next is welcome; 0: this one is.

    :param caller: Whom to count it for, with what it is counted as: ``scim:<connection>``.
    """
    from limits import RateLimitItemPerMinute

    limit = RateLimitItemPerMinute(per_minute)
    limiter, counted = _limiter()
    if len(counted) >= CALLERS:
        _limiter.cache_clear()
    if limiter.hit(limit, caller):
        return 0
    reset = limiter.get_window_stats(limit, caller).reset_time
    return max(1, math.ceil(reset - time.time()))


@cache
def _limiter() -> tuple[FixedWindowRateLimiter, Mapping[str, int]]:
    """Return what counts, and whom it counts."""
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    storage = MemoryStorage()
    return FixedWindowRateLimiter(storage), storage.storage
