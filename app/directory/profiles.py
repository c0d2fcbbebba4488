"""All that is known of a user: within bounds, as rows, and what differs between two of them.

Nothing here reads or writes the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.directory import bounds
from app.directory.errors import Invalid
from app.store.types import comparison_key
from app.words import say

VALUES_LIMIT = 500
"""Most values one user may have over all multi-valued attributes."""

_VALUE_TEXTS = {
    "value": bounds.VALUE_LENGTH,
    "type": bounds.TEXT_LENGTH,
    "display": bounds.TEXT_LENGTH,
}
_VALUE_FIELDS = (*_VALUE_TEXTS, "primary")


@dataclass
class Profile:
    """All that is known of a user, whichever face tells it.

    ``attributes`` holds the other single-valued attributes by SCIM name (extensions under their
    URN), ``values`` the multi-valued ones: a list of sub-attribute mappings by SCIM name.
    """

    user_name: str
    external_id: str | None = None
    display_name: str | None = None
    active: bool | None = True
    """None when a provider removed it: such a user is not active."""
    attributes: dict[str, Any] = field(default_factory=dict)
    values: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def cleaned(profile: Profile) -> Profile:
    """Return a profile within bounds, exactly as it will be read back.

    :raises Invalid: When a value is out of bounds.
    """
    if sum(map(len, profile.values.values())) > VALUES_LIMIT:
        raise Invalid(say("A user may have %(limit)s values at the most.", limit=VALUES_LIMIT))
    return Profile(
        user_name=bounds.required("userName", profile.user_name),
        external_id=bounds.optional("externalId", profile.external_id),
        display_name=bounds.optional("displayName", profile.display_name, bounds.KEY_LENGTH * 2),
        active=profile.active,
        attributes=bounds.attributes(profile.attributes),
        values={
            attribute: [_cleaned_entry(attribute, entry) for entry in entries]
            for attribute, entries in profile.values.items()
            if entries
        },
    )


def _cleaned_entry(attribute: str, entry: dict[str, Any]) -> dict[str, Any]:
    for name, limit in _VALUE_TEXTS.items():
        if entry.get(name) is not None:
            bounds.optional(f"{attribute}.{name}", entry[name], limit)
    if not isinstance(entry.get("primary"), bool | None):
        name = f"{attribute}.primary"
        raise Invalid(say("%(field)s must be true or false.", field=name), field=name)
    return bounds.attributes({key: item for key, item in entry.items() if item is not None})


def columns_of(profile: Profile) -> dict[str, Any]:
    """Return the columns of ``users`` that hold a cleaned profile."""
    name = profile.display_name
    return {
        "user_name": profile.user_name,
        "user_name_key": comparison_key(profile.user_name),
        "external_id": profile.external_id,
        "display_name": name,
        "display_name_key": None if name is None else comparison_key(name),
        "active": profile.active,
        "attributes": profile.attributes,
    }


def values_of(attribute: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns of ``user_values`` that hold one multi-valued attribute, row by row."""
    return [
        {"attribute": attribute, "position": position} | _value_row(entry)
        for position, entry in enumerate(entries)
    ]


def _value_row(entry: dict[str, Any]) -> dict[str, Any]:
    value = entry.get("value")
    return {
        "value_key": None if value is None else comparison_key(value)[: bounds.VALUE_KEY_LENGTH],
        "extra": {key: item for key, item in entry.items() if key not in _VALUE_FIELDS} or None,
        **{name: entry.get(name) for name in _VALUE_FIELDS},
    }


def value_entry(value: Any) -> dict[str, Any]:
    """Return the sub-attributes of a row of ``user_values``, those that are set, by SCIM name."""
    entry = {name: item for name in _VALUE_FIELDS if (item := getattr(value, name)) is not None}
    return entry | value.extra if value.extra else entry


def stored(row: Any, values: Iterable[Any]) -> Profile:
    """Return the profile that a row of ``users`` holds with its rows of ``user_values``."""
    profile = Profile(
        user_name=row.user_name,
        external_id=row.external_id,
        display_name=row.display_name,
        active=row.active,
        attributes=row.attributes,
    )
    for value in values:
        profile.values.setdefault(value.attribute, []).append(value_entry(value))
    return profile


def snapshot(profile: Profile) -> dict[str, Any]:
    """Return what an audit event says of a user."""
    return {
        **profile.attributes,
        **profile.values,
        "userName": profile.user_name,
        "externalId": profile.external_id,
        "displayName": profile.display_name,
        "active": profile.active,
    }


def difference(old: Profile, new: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changes, before and after. An attribute missing on one side is left out of it."""
    before, after = snapshot(old), snapshot(new)
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return (
        {key: before[key] for key in changed if key in before},
        {key: after[key] for key in changed if key in after},
    )
