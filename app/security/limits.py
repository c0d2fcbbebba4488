"""How often something may happen in a minute, such as requests of a caller, in each process."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits.strategies import FixedWindowRateLimiter

COUNTERS = 65_536
"""How many counters there are. Which one counts a caller nobody outside can tell, as the hash is
salted in each process; made-up callers fill no memory, and reset nobody's counter."""


def seconds_to_wait(caller: str, per_minute: int) -> int:
    """Count one event, and return in how many seconds the next is welcome; 0: this one is.

    :param caller: Whom to count it for, with what it is counted as: ``scim:<connection>``.
    """
    from limits import RateLimitItemPerMinute

    limit = RateLimitItemPerMinute(per_minute)
    limiter, counter = _limiter(), str(hash(caller) % COUNTERS)
    if limiter.hit(limit, counter):
        return 0
    reset = limiter.get_window_stats(limit, counter).reset_time
    return max(1, math.ceil(reset - time.time()))


@cache
def _limiter() -> FixedWindowRateLimiter:
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    return FixedWindowRateLimiter(MemoryStorage())
