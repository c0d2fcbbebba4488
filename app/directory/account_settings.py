"""What is switched on and off for a whole account."""

from __future__ import annotations

from collections.abc import Callable

from app.directory import accounts, requiring_saml, second_factor
from app.directory.work import Work

SWITCHES: dict[str, Callable[[Work, bool], bool]] = {
    "requires_saml": requiring_saml.require,
    "requires_second_factor": second_factor.require,
    "keeps_unknown": accounts.set_keeps_unknown,
}
"""Each returns whether it was a change."""
