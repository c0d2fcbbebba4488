"""The way to SAML for those who may not import it: faces do not know each other (decision 0009)."""

from __future__ import annotations

from typing import Any

from flask import current_app


def saml_part(part: str) -> Any:
    """Return a module of ``saml``, such as ``setup``, as the factory has handed it over."""
    return current_app.extensions["gatehouse_saml"](part)
