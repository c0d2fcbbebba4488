"""Which connections must be looked after soon, because a certificate of theirs ends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.directory import connection_keys
from app.lists import connections
from saml.keys import described


@dataclass(frozen=True)
class Ending:
    """A certificate that ends soon, or has ended, and that no other one takes the place of."""

    whose: str
    """``provider`` or ``ours``."""
    not_after: datetime


def endings_of(account_id: str, connection_ids: Collection[str]) -> dict[str, list[Ending]]:
    """Return what ends of the connections that are in use, by id; in two statements.

    Of a provider it is the certificate that is valid longest: while an older one stands beside it
    there is nothing to do. Of ours it is the one we sign with.
    """
    stored = connections.settings_in_use(account_id, connection_ids)
    ours = connection_keys.current_certificates(account_id, stored)
    found: dict[str, list[Ending]] = {}
    for connection_id, settings in stored.items():
        theirs = [described(pem) for pem in settings.get("certificates", ())]
        own = [described(ours[connection_id])] if connection_id in ours else []
        for whose, certificates in (("provider", theirs), ("ours", own)):
            last = max(certificates, key=lambda each: each["not_after"], default=None)
            if last is not None and last["ends_soon"]:
                found.setdefault(connection_id, []).append(Ending(whose, last["not_after"]))
    return found
