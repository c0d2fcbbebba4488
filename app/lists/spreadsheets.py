"""CSV (RFC 4180) that people open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

CONTENT_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line(values: Iterable[Any]) -> str:
    """Return a record. What a spreadsheet would take for a formula begins with an apostrophe."""
    record = io.StringIO()
    csv.writer(record).writerow(map(_cell, values))
    return record.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
