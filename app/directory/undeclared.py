"""Attributes no schema declares, kept for accounts that choose so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from app.directory import bounds
from app.directory.errors import Invalid, NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Group, User
from app.words import say

NAMES_LIMIT = 100
"""Most undeclared attributes one user or group may have."""
_TABLES: dict[str, type[User] | type[Group]] = {"user": User, "group": Group}


def keep(work: Work, target: Target, values: dict[str, Any], *, replace: bool) -> bool:
    """Keep values under the names they came with, and return whether that changed anything.

    :param target: A ``user`` or a ``group``.
    :param values: By name; None takes one out. Names are the same in any case: of two that differ
        in nothing else, the last counts.
    :param replace: Take out what is not named.
    :raises NotFound: When the account has no such user or group.
    :raises Invalid: When it is too much.
    """
    table = _TABLES[target.type]
    where = (table.account_id == work.account_id) & (table.id == target.id)
    row = db.session.execute(select(table.undeclared).where(where)).first()
    if row is None:
        raise NotFound(target.type, str(target.id))
    stored: dict[str, Any] = row.undeclared or {}
    named = {name.lower(): name for name in values}
    kept = {} if replace else {k: v for k, v in stored.items() if k.lower() not in named}
    kept |= {name: values[name] for name in named.values() if values[name] is not None}
    if kept == stored:
        return False
    _check(kept)
    db.session.execute(
        update(table)
        .where(where)
        .values(undeclared=kept or None, version=table.version + 1, updated_at=work.at)
    )
    work.record(
        f"{target.type}.updated",
        target,
        before={"undeclared": stored},
        after={"undeclared": kept},
    )
    return True


def _check(values: dict[str, Any]) -> None:
    if len(values) > NAMES_LIMIT:
        raise Invalid(
            say("At most %(limit)s attributes that no schema declares are kept.", limit=NAMES_LIMIT)
        )
    for name in values:
        bounds.required(say("the name of an attribute"), name)
    bounds.attributes(values)
