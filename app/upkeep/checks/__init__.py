"""What ``gatehouse doctor`` looks at. Each check yields what it finds amiss, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that is amiss."""

    state: Literal["warning", "problem"]
    """``problem``: it does not work, or is not safe; ``warning``: it may become so."""
    reason: str
    """What was seen."""
    fix: str
    """What to do, a sentence."""


Findings = Iterator[Finding]
Check = Callable[[Settings], Findings]


def warning(reason: str, fix: str) -> Finding:
    return Finding("warning", reason, fix)


def problem(reason: str, fix: str) -> Finding:
    return Finding("problem", reason, fix)
