"""What was looked at in a sign-in, check by check, in an administrator's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from app.directory.errors import DirectoryError
from app.words import Said
from saml.errors import Refused

ATTRIBUTES_KEPT = 50
VALUES_KEPT = 20
LONGEST_TEXT = 500


@dataclass
class Check:
    """One thing that must hold."""

    name: Said
    passed: bool = False
    detail: str = ""
    """What was found; of a failed check, why it failed."""


@dataclass
class Trace:
    """The checks of one sign-in in their order. The first that fails is the last."""

    checks: list[Check] = field(default_factory=list)
    name_id: str | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)

    @contextmanager
    def check(self, name: Said) -> Iterator[Check]:
        """Enclose one check. It passes when the block ends, and fails when it refuses."""
        check = Check(name)
        self.checks.append(check)
        try:
            yield check
        except (Refused, DirectoryError) as refused:
            check.detail = refused.sentence
            raise
        check.passed = True

    def as_kept(self) -> dict[str, Any]:
        """Return it as it may be kept: what it says of people is masked."""
        return {
            "checks": [
                asdict(check) | {"detail": self.without_person(check.detail)}
                for check in self.checks
            ],
            "name_id": masked(self.name_id) if self.name_id else None,
            "attributes": {
                name[:LONGEST_TEXT]: [masked(value) for value in values[:VALUES_KEPT]]
                for name, values in list(self.attributes.items())[:ATTRIBUTES_KEPT]
            },
        }

    def without_person(self, text: str) -> str:
        """Return a text about the sign-in in which the person is masked."""
        for told in {self.name_id, *(value for each in self.attributes.values() for value in each)}:
            if told and len(told) > 4:
                text = text.replace(told, masked(told))
        return text[:LONGEST_TEXT]


def masked(text: str) -> str:
    """Return enough of a text to recognise a mistake by, and not the person.

    The domain of an address stays, for it is often what is wrong.
    """
    local, at, domain = text[:200].rpartition("@")
    if at:
        return f"{local[:1]}***@{domain}"
    return f"{text[:2]}***" if len(text) > 4 else "***"
