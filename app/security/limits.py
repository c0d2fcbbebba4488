"""How often something may happen in a minute, such as requests of a caller, in each process."""

from __future__ import annotations

import math
import time
from threading import Lock

MINUTE = 60.0
COUNTERS = 65_536
"""How many counters there are. Which one counts a caller nobody outside can tell, as the hash is
salted in each process; made-up callers fill no memory, and reset nobody's counter."""

_counted: dict[int, tuple[float, int]] = {}
"""Of each counter: when its minute ends, and how many events there were."""
_lock = Lock()


def seconds_to_wait(caller: str, per_minute: int) -> int:
    """Count one event, and return in how many seconds the next is welcome; 0: this one is.

    A minute begins with the first event in it.

    :param caller: Whom to count it for, with what it is counted as: ``scim:<connection>``.
    """
    at, counter = time.time(), hash((caller, per_minute)) % COUNTERS
    with _lock:
        end, events = _counted.get(counter, (0.0, 0))
        if at >= end:
            end, events = at + MINUTE, 0
        _counted[counter] = end, events + 1
    return 0 if events < per_minute else max(1, math.ceil(end - at))
