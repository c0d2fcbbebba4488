"""Mappings that match users by a value of ``roles`` or ``entitlements``.

One mapping may reach every user of an account, and one value may be mapped to many folders: what
they give is written by the set.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from app.directory import bounds, grants
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Mapping, User, UserValue
from app.store.types import comparison_key

MATCH_BY = {"role": "roles", "entitlement": "entitlements"}
"""What a mapping of users matches by, and the SCIM attribute that holds it."""

Values = dict[str, list[dict[str, Any]]]
"""The multi-valued attributes of a user, as in ``profiles.Profile``."""


def apply_to_user(work: Work, user: Target, before: Values, after: Values) -> None:
    """Give a user what mappings say of its new values, and take back what no longer matches.

    Costs nothing when the values are the same. An inactive user has grants too: they count for
    nothing until it is active.

    :raises LastMasterAdmin: When it takes the role from the last master admin.
    """
    keys = _keys(after)
    if keys != _keys(before):
        grants.set_by_mappings(work, user, _mappings_matching(work, user, keys))


def matching(work: Work, mapping: dict[str, Any]) -> list[Target]:
    """Return the users who have the value of a mapping, by their ids.

    :param mapping: A row of ``mappings``.
    """
    query = (
        select(User.id, User.user_name, UserValue.value)
        .join(UserValue, (UserValue.account_id == User.account_id) & (UserValue.user_id == User.id))
        .where(
            UserValue.account_id == work.account_id,
            UserValue.attribute == MATCH_BY[mapping["match_by"]],
            UserValue.value_key == mapping["match_key"][: bounds.VALUE_KEY_LENGTH],
        )
    )
    if mapping["connection_id"] is not None:
        query = query.where(User.connection_id == mapping["connection_id"])
    # The index holds the beginning of a long value: the rest is compared here.
    names = {
        row.id: row.user_name
        for row in db.session.execute(query)
        if comparison_key(row.value) == mapping["match_key"]
    }
    return [Target("user", user_id, names[user_id]) for user_id in sorted(names)]


def _keys(values: Values) -> set[tuple[str, str]]:
    """Return the values that mappings look at, each as (match_by, match_key)."""
    return {
        (match_by, comparison_key(entry["value"]))
        for match_by, attribute in MATCH_BY.items()
        for entry in values.get(attribute, ())
        if entry.get("value") is not None
    }


def _mappings_matching(
    work: Work, user: Target, keys: set[tuple[str, str]]
) -> list[dict[str, Any]]:
    if not keys:
        return []
    connection = select(User.connection_id).where(
        User.account_id == work.account_id, User.id == user.id
    )
    query = select(Mapping.__table__).where(
        Mapping.account_id == work.account_id,
        Mapping.match_by.in_(MATCH_BY),
        Mapping.match_key.in_({key for _, key in keys}),
        or_(
            Mapping.connection_id.is_(None),
            Mapping.connection_id == connection.scalar_subquery(),
        ),
    )
    rows = db.session.execute(query)
    return [dict(row._mapping) for row in rows if (row.match_by, row.match_key) in keys]
