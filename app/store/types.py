"""Column types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

import orjson
from sqlalchemy import ARRAY, JSON, DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB, VARCHAR
from uuid_utils import uuid7


def new_id() -> str:
    """Return a new identifier: a UUIDv7 string, so that identifiers sort by creation."""
    return str(uuid7())


def first_id(at: datetime) -> str:
    """Return a text that sorts before the ids of this millisecond and after all earlier ones."""
    digits = f"{max(0, int(at.timestamp() * 1000)):012x}"  # RFC 9562 §5.7
    return f"{digits[:8]}-{digits[8:]}"


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


LONGEST_NORMALISED = 4096
"""Longest text whose Unicode forms count as one, in characters. Normalising takes quadratic time
on marks in an unusual order: a long text made for it would keep a process busy for minutes."""


def comparison_key(text: str) -> str:
    """Return the form in which texts are compared regardless of case: NFC of the lower case.

    It is the form scim2-models compares by default, so that a filter in SQL and
    ``ScimFilter.match`` agree, in every script.
    """
    if text.isascii() or len(text) > LONGEST_NORMALISED:
        return text.lower()  # Of ASCII there is one form.
    return normalize("NFC", normalize("NFC", text).lower())


NOT_STORABLE = "\ufffe"
"""Stands for a text that no database keeps. Never stored, so it equals nothing that is."""


def storable(text: str) -> bool:
    """Tell whether every database can keep a text: no NUL, no lone surrogate."""
    if "\0" in text or NOT_STORABLE in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_stored(text: str | None) -> str | None:
    """Return a text as it is looked for: what cannot be stored is nowhere."""
    return text if text is None or storable(text) else NOT_STORABLE


class Text(TypeDecorator[str]):
    """A text compared by code point on every database, whatever the locale of the server.

    Looking for a text that is not :func:`storable` finds nothing, and is no database error.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(VARCHAR(self.length, collation="C"))
        return dialect.type_descriptor(String(self.length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return as_stored(value)


class Texts(TypeDecorator[list[str]]):
    """Many texts as one parameter, for ``app.store.prepared.one_of``.

    What is not :func:`storable` is left out: it equals nothing.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(String) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> Any:
        texts = [text for text in value or () if storable(text)]
        return texts if dialect.name == "postgresql" else orjson.dumps(texts).decode()


Id = Text(36)
Word = Text(64)
Name = Text(1024)
LongText = Text(65536)
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, timezone-aware UTC in Python, with microseconds."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        try:
            value = value.astimezone(UTC)
        except OverflowError:  # the first or last hours there are, in another zone
            value = (datetime.min if value.year == 1 else datetime.max).replace(tzinfo=UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc_of_text(text: str) -> datetime:
    """Return the point in time that SQLite keeps as a text."""
    return datetime.fromisoformat(f"{text}+00:00")
