"""How much an input costs: it may neither keep the processor busy nor fill the memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 1.0
MEGABYTES = 64


@contextmanager
def within(seconds: float = SECONDS) -> Iterator[None]:
    """Hold what is done to a time of the processor: others who use the machine do not count."""
    began = time.thread_time()
    yield
    took = time.thread_time() - began
    assert took < seconds, f"{took:.2f} s"


@contextmanager
def small(megabytes: float = MEGABYTES) -> Iterator[None]:
    """Hold what is done to so much memory at its highest."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / 1024 / 1024
    finally:
        tracemalloc.stop()
    assert peak < megabytes, f"{peak:.0f} MB"
