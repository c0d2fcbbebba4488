"""How often something may happen in a minute, such as requests of a caller.

Each process counts for itself, and those who ask much it counts together with the others
(``app.shared_limits``): what happens elsewhere is added here a second later at the most.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

MINUTE = 60.0
COUNTERS = 65_536
"""How many counters there are at the most. At the most half of them count one caller each; where
there are more callers, the others share the rest. With whom nobody outside can tell, as the hash is
salted in each process. So callers that are made up fill no memory, and reset nobody's counter."""
MUCH = 20
"""Who makes one in so many of the requests they may make is counted together with the others."""


Key = tuple[str, int] | int
"""Whose counter it is: a caller's with their limit, or one that is shared."""


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
    counter: Key
    events: int


_counted: OrderedDict[Key, Counter] = OrderedDict()
"""By when their minutes began."""
_busy: dict[Key, str] = {}
"""Who asks much, by counter."""
_lock = Lock()


def seconds_to_wait(caller: str, per_minute: int) -> int:
    """Count one event, and return in how many seconds the next is welcome; 0: this one is.

    A minute begins with the first event in it.

    :param caller: Whom to count it for, with what it is counted as: ``scim:<connection>``.
    """
    at = time.time()
    with _lock:
        key = _key(caller, per_minute, at)
        found = _counted.get(key)
        if found is None or _over(found, at):
            found = _counted[key] = Counter(at + MINUTE)
            _counted.move_to_end(key)
        found.events += 1
        found.untold += 1
        if found.events >= per_minute // MUCH > 0:
            _busy[key] = caller
        return 0 if found.events <= per_minute else max(1, math.ceil(found.end - at))


def _key(caller: str, per_minute: int, at: float) -> Key:
    """Return which counter counts a caller, having made room for a new one where there is any."""
    own = (caller, per_minute)
    if own in _counted:
        return own
    while _counted and _over(next(iter(_counted.values())), at):
        over, _ = _counted.popitem(last=False)
        _busy.pop(over, None)
    shared = hash(own) % (COUNTERS // 2)
    known = _counted.get(shared)
    # Its minute is counted to the end where it began, or it would begin anew with the room.
    if known is not None and not _over(known, at):
        return shared
    return own if len(_counted) < COUNTERS // 2 else shared


def _over(counter: Counter, at: float) -> bool:
    # One that ends two minutes from now: the clock was put back.
    return not at < counter.end <= at + 2 * MINUTE


def tell() -> list[Told]:
    """Return what happened since the last time, of those who ask much."""
    with _lock:
        told = [Told(caller, each, _counted[each].untold) for each, caller in _busy.items()]
        for each in _busy:
            _counted[each].untold = 0
        _busy.clear()
    return told


def add(counter: Key, events: int) -> None:
    """Count what happened in other processes, where the minute of it is not over."""
    with _lock:
        if counter in _counted:
            _counted[counter].events += events
