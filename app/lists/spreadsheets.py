"""CSV (RFC 4180) that people open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

CONTENT_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line(cells: Iterable[str]) -> str:
    """Return a record. What a spreadsheet would take for a formula begins with an apostrophe."""
    record = io.StringIO()
    safe = [f"'{each}" if each.startswith(_FORMULA) else each for each in cells]
    csv.writer(record).writerow(safe)
    return record.getvalue()
