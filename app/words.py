"""Sentences that can be told in other languages: English texts that know what they are made of.

What the layers below the faces say is English, and programs, commands and logs get it as it is. The
console tells it in the language of its page (``app.console.telling``), which it could not do with
finished text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import reduce
from typing import Any


class Said(str):
    """An English text, with its template and what stands in it."""

    __slots__ = ("one", "template", "values")

    template: str
    values: dict[str, Any]
    one: str | None
    """The template where ``num`` of the values is one; None: nothing is counted."""


def say(template: str, /, **values: Any) -> Said:
    """Return a sentence, or a word that may stand in one.

    :param template: Written out at the call, for that is where translators' tools look for it.
    :param values: What stands for ``%(name)s``: names and numbers; lists, told with commas; times;
        and what is itself :class:`Said`, named ``what``, ``who``, ``where``, ``when``, ``how`` or
        ``why`` (see ``app.console.telling``).
    """
    return _said(template, values, None, template)


def say_counted(one: str, many: str, num: int, /, **values: Any) -> Said:
    """Return a sentence that counts: ``num`` stands in it as ``%(num)s``."""
    values["num"] = num
    return _said(many, values, one, one if num == 1 else many)


def any_of(names: Iterable[str]) -> str:
    """Return ``a or b or c``, to stand in a sentence; there must be one."""
    return reduce(lambda what, name: say("%(what)s or %(name)s", what=what, name=name), names)


def all_of(names: Iterable[str]) -> str:
    """Return ``a and b and c``, to stand in a sentence; there must be one."""
    return reduce(lambda what, name: say("%(what)s and %(name)s", what=what, name=name), names)


def iso(at: datetime) -> str:
    """Return a time as people and programs read it: ``2026-03-01T09:30:00Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _said(template: str, values: dict[str, Any], one: str | None, chosen: str) -> Said:
    if values:
        chosen %= {name: _in_english(value) for name, value in values.items()}
    said = Said(chosen)
    said.template, said.values, said.one = template, values, one
    return said


def _in_english(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return ", ".join(value) if isinstance(value, (list, tuple)) else value
