"""CSV (RFC 4180) that people open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

CONTENT_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PARTED = re.compile(r"(?s)(?<=.)([;\t\r\n])(?=[=+\-@])")
"""Where a formula would begin within a text: some spreadsheets part cells at these too."""


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
    safe = _PARTED.sub(r"\1'", text)
    return f"'{safe}" if text.startswith(_FORMULA) else safe
