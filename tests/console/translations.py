"""What the tests of translations share."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "translations.py"))
WORD = re.compile(r"[^\W\d_]{2,}")
SHOWN = ("aria-label", "title", "placeholder", "alt", "data-done", "data-auto", "data-light")
"""The attributes that people see or hear."""
PROPER = frozenset({"Gatehouse", "SCIM", "SAML", "API", "CLI", "UTC", "English", "Deutsch"})
"""What is called so in every language."""
EXAMPLES = ("ada@example.com", "/Brand/2026", "user.")
"""What fields show of how something is written."""
