"""What the query of a page asks for, as far as it can be meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import request

LONGEST = 256
LONGEST_ID = 36


def text(name: str, longest: int = LONGEST) -> str | None:
    """Return what stands there, cut; None: nothing."""
    return request.args.get(name, "").strip()[:longest] or None


def id_(name: str) -> str | None:
    """Return an id, of whatever it may be; None: none."""
    return text(name, LONGEST_ID)


def one_of(name: str, options: Sequence[str]) -> str | None:
    """Return one of the options; None: none of them is asked for."""
    return next((each for each in options if each == request.args.get(name)), None)


def order(options: Sequence[str]) -> dict[str, Any]:
    """Return how a list is sorted, as the functions of ``app.lists`` take it.

    :param options: Names of orders; a leading - turns one round. The first is the usual one.
    """
    wanted = one_of("sort", options) or options[0]
    return {"order": wanted.removeprefix("-"), "descending": wanted.startswith("-")}


def days() -> dict[str, datetime]:
    """Return when the first day asked for begins (``since``) and the last ends (``until``).

    :raises ValueError: When one is no day.
    """
    found = {}
    for name, later in (("since", timedelta()), ("until", timedelta(days=1))):
        if request.args.get(name):
            day = date.fromisoformat(request.args[name])
            try:
                found[name] = datetime.combine(day, time(), UTC) + later
            except OverflowError:  # the last day there is
                raise ValueError(name) from None
    return found
