"""What a large answer took goes back to the system when it is sent."""

from __future__ import annotations

import ctypes

LARGE = 1_000_000
"""From so many bytes on a block is the system's, and goes back to it as soon as it is free."""
_M_MMAP_THRESHOLD = -3


def give_back() -> None:
    """Let glibc keep no large blocks; other C libraries do as they like.

    It would raise the limit by itself to the largest block it has met, and keep those behind it.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_M_MMAP_THRESHOLD, LARGE)
