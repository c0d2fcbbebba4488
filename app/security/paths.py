"""Paths somebody outside gave, to go on to after signing in."""

from __future__ import annotations

LONGEST = 1000
"""In characters."""


def same_site_path(path: str) -> str:
    """Return a path of this site; the start page for anything that may lead elsewhere."""
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if safe and path.isprintable() and len(path) <= LONGEST else "/"
