"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any
from unicodedata import normalize

from sqlalchemy import JSON, DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB, VARCHAR
from uuid_utils import uuid7


def new_id() -> str:
    """Return a new identifier: a UUIDv7 string, so that identifiers sort by creation."""
    return str(uuid7())


def now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


def comparison_key(text: str) -> str:
    """Return the form in which texts are compared regardless of case: NFC of the lower case.

    It is the form scim2-models compares by default, so that a filter in SQL and
    ``ScimFilter.match`` agree, in every script.
    """
    return normalize("NFC", normalize("NFC", text).lower())


def text_type(length: int) -> String:
    """A text compared by code point on every database, whatever the locale of the server."""
    return String(length).with_variant(VARCHAR(length, collation="C"), "postgresql")


Id = text_type(36)
Word = text_type(64)
Name = text_type(1024)
LongText = text_type(65536)
Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, timezone-aware UTC in Python, with microseconds."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
