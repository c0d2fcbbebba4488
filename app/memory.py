"""What a server process does without, and what it gives back."""

from __future__ import annotations

import ctypes
import importlib
import sys

LARGE = 1_000_000
"""From so many bytes on a block is the system's, and goes back to it as soon as it is free."""
SPARE = 4 * LARGE
"""So many bytes that are free stay at hand for what comes next."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def give_back() -> None:
    """Let glibc keep no large blocks; other C libraries do as they like.

    It would raise the limits by itself to the largest block it has met, and keep those behind it.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_M_MMAP_THRESHOLD, LARGE)
        choose(_M_TRIM_THRESHOLD, SPARE)


def log_without_colours() -> None:
    """Load structlog without ``rich``, which it would draw with: a server writes lines of JSON."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # what says that there is none
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]
