"""Whom rules would shut out: a dry run against what the logs say of the last days. Read-only.

Who came, and from where, stands in the audit log; for SCIM in the provisioning log too. What only
read something is in neither, and what was refused does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Select, case, func, select

from app.access.many import grants_reaching_each
from app.access.permissions import ACCOUNT_ACTIONS
from app.directory.addresses import RULES_LIMIT, checked_surface, cleaned
from app.directory.errors import Invalid
from app.security.addresses import parsed, within
from app.store.database import db
from app.store.models import AuditEvent, ProvisioningEntry
from app.store.types import now
from app.words import say

DAYS = 30
LONGEST = 365
"""Most days that are looked at."""
READ_LIMIT = 10_000
"""Most pairs of an address and a name that are looked at, those seen last first."""
SHOWN = 100
"""Most addresses that are returned, and most names of each."""
PEOPLE_AT_ONCE = 500
REFUSED_ALREADY = 401
"""Status of a request whose token was refused."""


@dataclass(frozen=True)
class RefusedAddress:
    """An address from which somebody came, and could not any more."""

    address: str | None
    """None: it could not be told."""
    names: tuple[str, ...]
    """Who came from there, the last one first."""
    events: int
    """How many lines of the logs they left."""
    last_seen: datetime


@dataclass(frozen=True)
class Preview:
    refused: tuple[RefusedAddress, ...]
    """The one seen last first."""
    cut_off: bool
    """Whether there was more than was looked at, or is returned."""


def preview(account_id: str, surface: str, networks: Iterable[str], *, days: int = DAYS) -> Preview:
    """Return who would be refused if a surface could be reached from these networks alone.

    For the console only those count who administer now: it is they whom its rules bind.

    :param networks: All there would be; none: the surface would be open.
    :param days: How far to look back.
    :raises Invalid: When there is no such surface, or one is no network.
    """
    checked_surface(surface)
    wanted = parsed(cleaned(each) for each in islice(networks, RULES_LIMIT + 1))
    if len(wanted) > RULES_LIMIT or not 1 <= days <= LONGEST:
        raise Invalid(
            say(
                "At most %(networks)s networks and %(days)s days can be tried.",
                networks=RULES_LIMIT,
                days=LONGEST,
            )
        )
    if not wanted:
        return Preview((), cut_off=False)
    seen, cut_off = _seen(account_id, surface, now() - timedelta(days=days))
    refused = [row for row in seen if not within(wanted, row.address)]
    if surface == "console":
        administrators = _administrators(account_id, {row.person for row in refused})
        refused = [row for row in refused if row.person in administrators]
    by_address: dict[str | None, list[Any]] = {}
    for row in sorted(refused, key=lambda row: row.last_seen, reverse=True):
        by_address.setdefault(row.address, []).append(row)
    cut_off = cut_off or len(by_address) > SHOWN
    shown = [_joined(address, rows) for address, rows in list(by_address.items())[:SHOWN]]
    return Preview(tuple(shown), cut_off)


def _joined(address: str | None, rows: Sequence[Any]) -> RefusedAddress:
    names = list(dict.fromkeys(row.name for row in rows))
    events = sum(row.events for row in rows)
    return RefusedAddress(address, tuple(names[:SHOWN]), events, rows[0].last_seen)


def _seen(account_id: str, surface: str, since: datetime) -> tuple[list[Any], bool]:
    """Return who came from where, and whether there were more."""
    if surface == "console":
        sources = [_in_console(account_id, since)]
    else:
        sources = [_in_audit(account_id, since).where(AuditEvent.surface == surface)]
    if surface == "scim":
        sources.append(_in_provisioning_log(account_id, since))
    found = [db.session.execute(_pairs(lines)).all() for lines in sources]
    cut_off = any(len(rows) > READ_LIMIT for rows in found)
    return [row for rows in found for row in rows[:READ_LIMIT]], cut_off


def _in_audit(account_id: str, since: datetime) -> Select[*tuple[Any, ...]]:
    """Return the lines of the audit log that are wanted: of what was done, not of refusals."""
    return _lines(AuditEvent, AuditEvent.actor_name, AuditEvent.actor_id).where(
        AuditEvent.account_id == account_id,
        AuditEvent.at >= since,
        AuditEvent.outcome == "success",
    )


def _in_console(account_id: str, since: datetime) -> Select[*tuple[Any, ...]]:
    """Return the lines of people who wrote something in the console, or signed in, in any way.

    Who signs in is whom the event is about: at that moment somebody else acts, or nobody.
    """
    signed_in = AuditEvent.action == "session.opened"
    name = case((signed_in, AuditEvent.target_name), else_=AuditEvent.actor_name)
    person = case((signed_in, AuditEvent.target_id), else_=AuditEvent.actor_id)
    return _lines(AuditEvent, name, person).where(
        AuditEvent.account_id == account_id,
        AuditEvent.at >= since,
        AuditEvent.outcome == "success",
        signed_in | (AuditEvent.surface == "console"),
        person.is_not(None),
    )


def _in_provisioning_log(account_id: str, since: datetime) -> Select[*tuple[Any, ...]]:
    log = ProvisioningEntry
    return _lines(log, log.actor_name, log.actor_id).where(
        log.account_id == account_id, log.at >= since, log.status != REFUSED_ALREADY
    )


def _lines(log: Any, name: Any, person: Any) -> Select[*tuple[Any, ...]]:
    return select(log.address, name.label("name"), person.label("person"), log.at)


def _pairs(lines: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the query of who came from where, the one seen last first."""
    line = lines.subquery().c
    last_seen = func.max(line.at).label("last_seen")
    who = (line.address, line.name, line.person)
    query: Select[*tuple[Any, ...]] = select(*who, func.count().label("events"), last_seen)
    return query.group_by(*who).order_by(last_seen.desc()).limit(READ_LIMIT + 1)


def _administrators(account_id: str, user_ids: Collection[str]) -> set[str]:
    """Return those of the users who hold any account action."""
    found: set[str] = set()
    at = now()
    asked = [(user_id, None) for user_id in sorted(user_ids)]
    for start in range(0, len(asked), PEOPLE_AT_ONCE):
        held = grants_reaching_each(account_id, asked[start : start + PEOPLE_AT_ONCE], at)
        found |= {
            user_id
            for (user_id, _), grants in held.items()
            if any(grant.permissions & ACCOUNT_ACTIONS for grant in grants)
        }
    return found
