"""How often something may happen in a minute, such as requests of a caller.

Each process counts for itself, and those who ask much it counts together with the others
(``app.shared_limits``): what happens elsewhere is added here a second later at the most.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Lock

MINUTE = 60.0
COUNTERS = 65_536
"""How many counters there are. Which one counts a caller nobody outside can tell, as the hash is
salted in each process; made-up callers fill no memory, and reset nobody's counter."""
MUCH = 20
"""Who makes one in so many of the requests they may make is counted together with the others."""


@dataclass(slots=True)
class Counter:
    end: float
    """When its minute ends."""
    events: int = 0
    untold: int = 0
    """Those that the other processes do not know of."""


@dataclass(frozen=True)
class Told:
    """How many events of a caller the other processes are to be told of."""

    caller: str
    counter: int
    events: int


_counted: dict[int, Counter] = {}
_busy: dict[int, str] = {}
"""Who asks much, by counter."""
_lock = Lock()


def seconds_to_wait(caller: str, per_minute: int) -> int:
    """Count one event, and return in how many seconds the next is welcome; 0: this one is.

    A minute begins with the first event in it.

    :param caller: Whom to count it for, with what it is counted as: ``scim:<connection>``.
    """
    at, counter = time.time(), hash((caller, per_minute)) % COUNTERS
    with _lock:
        found = _counted.get(counter)
        # One that ends two minutes from now: the clock was put back.
        if found is None or not at < found.end <= at + 2 * MINUTE:
            found = _counted[counter] = Counter(at + MINUTE)
        found.events += 1
        found.untold += 1
        if found.events >= per_minute // MUCH > 0:
            _busy[counter] = caller
        return 0 if found.events <= per_minute else max(1, math.ceil(found.end - at))


def tell() -> list[Told]:
    """Return what happened since the last time, of those who ask much."""
    with _lock:
        told = [Told(caller, each, _counted[each].untold) for each, caller in _busy.items()]
        for each in _busy:
            _counted[each].untold = 0
        _busy.clear()
    return told


def add(counter: int, events: int) -> None:
    """Count what happened in other processes."""
    with _lock:
        _counted[counter].events += events
