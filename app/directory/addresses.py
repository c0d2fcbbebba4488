"""Address rules: from where the surfaces of an account may be reached, and for how long.

What they decide stands in ``app.security.addresses``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.directory import bounds, networks
from app.directory.errors import Invalid, NotFound, Taken, WouldLockOut
from app.directory.work import Target, Work
from app.security.addresses import SURFACES, parsed, within
from app.store.database import db, table
from app.store.models import AddressRule
from app.store.types import new_id, now
from app.words import say

RULES_LIMIT = 200
"""Most rules of one surface."""
_rules = table(AddressRule)


@dataclass(frozen=True)
class Rule:
    """One network that a surface may be reached from."""

    id: str
    surface: str
    network: str
    """In CIDR form."""
    note: str
    expires_at: datetime | None
    created_by: str
    created_at: datetime

    def in_force(self, at: datetime) -> bool:
        return self.expires_at is None or self.expires_at > at


def listed(account_id: str, surface: str | None = None) -> list[Rule]:
    """Return the rules of an account, or of one surface, the oldest first.

    Those that have expired are among them: as long as one is there, the surface is not open.

    :raises Invalid: When there is no such surface.
    """
    query = select(*(_rules.c[name] for name in Rule.__dataclass_fields__))
    query = query.where(_rules.c.account_id == account_id)
    if surface is not None:
        query = query.where(_rules.c.surface == checked_surface(surface))
    rows = db.session.execute(query.order_by(_rules.c.surface, _rules.c.id))
    return [Rule(**row._mapping) for row in rows]


def find(account_id: str, rule_id: str) -> Rule:
    """Return a rule.

    :raises NotFound: When the account has no such rule.
    """
    rule = next((rule for rule in listed(account_id) if rule.id == rule_id), None)
    if rule is None:
        raise NotFound("address rule", rule_id)
    return rule


def in_force(account_id: str, surface: str) -> list[str]:
    """Return the networks of the rules of a surface that have not expired.

    :raises Invalid: When there is no such surface.
    """
    at = now()
    return [rule.network for rule in listed(account_id, surface) if rule.in_force(at)]


def add(
    work: Work,
    surface: str,
    network: str,
    note: str = "",
    expires_at: datetime | None = None,
    *,
    confirm: bool = False,
) -> Rule:
    """Let a network reach a surface. The first rule shuts out every other address.

    :param confirm: Do it although it shuts the author out.
    :raises Invalid: When it is no surface, no network, over already, or one rule too many.
    :raises Taken: When there is a rule for the network.
    :raises WouldLockOut: When the author's own address would not be allowed, or not for good.
    """
    rules = listed(work.account_id, checked_surface(surface))
    if len(rules) >= RULES_LIMIT:
        raise Invalid(
            say(
                "A surface has %(limit)s rules at most. Join neighbours into one.",
                limit=RULES_LIMIT,
            )
        )
    rule = Rule(
        id=new_id(),
        surface=surface,
        network=_free(rules, network),
        note=_note(note),
        expires_at=_ahead(work, expires_at),
        created_by=work.actor.name[: bounds.TEXT_LENGTH],
        created_at=work.at,
    )
    _check_author(work, surface, [*rules, rule], confirm)
    db.session.execute(insert(_rules), [{"account_id": work.account_id} | asdict(rule)])
    work.record("address_rule.added", _target(rule), after=_document(rule))
    return rule


def change(
    work: Work,
    rule_id: str,
    network: str,
    note: str,
    expires_at: datetime | None,
    *,
    confirm: bool = False,
) -> Rule:
    """Make a rule say something else; its surface stays.

    :raises NotFound: When the account has no such rule.
    :raises Invalid: As :func:`add`.
    :raises Taken: As :func:`add`.
    :raises WouldLockOut: As :func:`add`, unless the note alone is another one.
    """
    before, others = _found(work, rule_id)
    terms = {
        "network": _free(others, network),
        "note": _note(note),
        "expires_at": expires_at,
    }
    after = Rule(**asdict(before) | terms)
    if after == before:
        return before
    if (after.network, after.expires_at) != (before.network, before.expires_at):
        _ahead(work, expires_at)
        _check_author(work, before.surface, [*others, after], confirm)
    db.session.execute(
        update(_rules)
        .where(_rules.c.account_id == work.account_id, _rules.c.id == rule_id)
        .values(**terms)
    )
    work.record(
        "address_rule.changed", _target(after), before=_document(before), after=_document(after)
    )
    return after


def remove(work: Work, rule_id: str, *, confirm: bool = False) -> Rule:
    """Take a rule away. Without the last one the surface is open.

    :raises NotFound: When the account has no such rule.
    :raises WouldLockOut: As :func:`add`.
    """
    rule, others = _found(work, rule_id)
    _check_author(work, rule.surface, others, confirm)
    db.session.execute(
        delete(_rules).where(_rules.c.account_id == work.account_id, _rules.c.id == rule_id)
    )
    work.record("address_rule.removed", _target(rule), before=_document(rule))
    return rule


def checked_surface(surface: str) -> str:
    """Return a surface.

    :raises Invalid: When there is none of this name.
    """
    if surface not in SURFACES:
        raise Invalid(say("Surfaces are: %(surfaces)s.", surfaces=SURFACES), field="surface")
    return surface


def cleaned(network: str) -> str:
    """Return one network as rules keep it.

    :raises Invalid: When it is none.
    """
    return networks.cleaned([bounds.required("network", network, 64)])[0]


def _check_author(work: Work, surface: str, rules: Collection[Rule], confirm: bool) -> None:
    """Refuse rules that do not let their author in, or that will not, unless that is confirmed.

    It binds who comes through the console or the API: not who runs the command, nor anybody who
    changes the rules of SCIM, which people do not use.
    """
    bound = surface != "scim" and work.actor.surface in ("console", "api")
    if confirm or not rules or not bound:
        return
    address = work.actor.address
    theirs = [
        rule for rule in rules if rule.in_force(work.at) and within(parsed([rule.network]), address)
    ]
    if any(rule.expires_at is None for rule in theirs):
        return
    until = max((rule.expires_at for rule in theirs if rule.expires_at), default=None)
    who = (
        say("Your address %(address)s", address=address)
        if address
        else say("Your address, which cannot be told,")
    )
    what = say("API") if surface == "api" else say("console")
    raise WouldLockOut(
        say(
            "%(who)s would not be allowed for the %(what)s after %(time)s UTC. "
            "Allow it first, or send it again with confirm.",
            who=who,
            what=what,
            time=f"{until:%Y-%m-%d %H:%M}",
        )
        if until
        else say(
            "%(who)s would not be allowed for the %(what)s. "
            "Allow it first, or send it again with confirm.",
            who=who,
            what=what,
        )
    )


def _found(work: Work, rule_id: str) -> tuple[Rule, list[Rule]]:
    """Return a rule, and the others of its surface."""
    rule = find(work.account_id, rule_id)
    return rule, [each for each in listed(work.account_id, rule.surface) if each != rule]


def _free(rules: Iterable[Rule], network: str) -> str:
    """Return a network as it is kept, if none of the rules is for it."""
    kept = cleaned(network)
    if any(rule.network == kept for rule in rules):
        raise Taken(say("There is a rule for %(network)s already. Change that one.", network=kept))
    return kept


def _note(text: str) -> str:
    return (bounds.optional("note", text) or "").strip()


def _ahead(work: Work, expires_at: datetime | None) -> datetime | None:
    if expires_at is not None and expires_at <= work.at:
        raise Invalid(say("A rule must end in the future."), field="expires_at")
    return expires_at


def _target(rule: Rule) -> Target:
    return Target("address_rule", rule.id, rule.network)


def _document(rule: Rule) -> dict[str, Any]:
    """Return what the audit log says of a rule."""
    return {
        "surface": rule.surface,
        "network": rule.network,
        "note": rule.note,
        "expires_at": rule.expires_at and rule.expires_at.isoformat(),
    }
