"""Every text that comes in is bounded, and can be stored on every database."""

from __future__ import annotations

from typing import Any

import orjson

from app.directory.errors import Invalid
from app.store.types import NOT_STORABLE, comparison_key, storable
from app.words import say

KEY_LENGTH = 256
"""Longest name that is looked up by: user names, external ids, names of folders and groups."""
VALUE_KEY_LENGTH = 256
"""How much of a value's comparison key is in the index of ``user_values``."""
TEXT_LENGTH = 1024
VALUE_LENGTH = 65_536
ATTRIBUTES_BYTES = 131_072
"""Largest set of other attributes of one user or group, as JSON."""

_SUSPICIOUS = (b"\\u0000", NOT_STORABLE.encode())
"""What a JSON text has where one of its texts may not be storable."""


def required(field: str, text: str | None, limit: int = KEY_LENGTH) -> str:
    """Return a text that must be there, without surrounding blanks.

    :raises Invalid: When it is empty, too long or holds characters no database keeps.
    """
    cleaned = (optional(field, text, limit) or "").strip()
    if not cleaned:
        raise Invalid(say("%(field)s must not be empty.", field=field), field=field)
    return cleaned


def optional(field: str, text: str | None, limit: int = KEY_LENGTH) -> str | None:
    """Return a text that may be missing.

    :raises Invalid: As :func:`required`, but for an empty one.
    """
    if text is None:
        return None
    if not isinstance(text, str):  # a value out of somebody's JSON
        raise Invalid(say("%(field)s must be a text.", field=field), field=field)
    # Some letters become several when names are compared; the key has to fit its column too.
    if max(len(text), len(comparison_key(text))) > limit:
        sentence = say(
            "%(field)s must not be longer than %(limit)s characters.", field=field, limit=limit
        )
        raise Invalid(sentence, field=field)
    if not storable(text):
        sentence = say("%(field)s holds a character that is not allowed.", field=field)
        raise Invalid(sentence, field=field)
    return text


def attributes(values: dict[str, Any]) -> dict[str, Any]:
    """Return other attributes once they are known to be storable and small enough.

    :raises Invalid: When they are not.
    """
    try:
        written = orjson.dumps(values)
    except TypeError:
        raise Invalid(say("An attribute holds a value that cannot be stored.")) from None
    if len(written) > ATTRIBUTES_BYTES:
        raise Invalid(
            say("The attributes are larger than %(limit)s bytes.", limit=ATTRIBUTES_BYTES)
        )
    if any(sign in written for sign in _SUSPICIOUS):
        _walk(values)
    return values


def _walk(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _walk(key)
            _walk(item)
    elif isinstance(value, list):
        for item in value:
            _walk(item)
    elif isinstance(value, str) and not storable(value):
        raise Invalid(say("An attribute holds a character that is not allowed."))
