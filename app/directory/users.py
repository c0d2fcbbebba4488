"""Every write of a user. Deactivation ends the sessions in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.directory import bounds, delegation, grants, mapped_users, sessions, tombstones
from app.directory.errors import Invalid, NotFound, Taken, VersionMismatch
from app.directory.kept_grants import kept
from app.directory.work import Target, Work
from app.security.passwords import hash_password
from app.store.database import db, table
from app.store.models import Group, Membership, User, UserValue
from app.store.types import comparison_key, new_id
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


def create(
    work: Work,
    profile: Profile,
    *,
    password: str | None = None,
    restored: Mapping[str, Any] | None = None,
) -> str:
    """Add a user and return its id. Waiting mappings take effect.

    :param restored: Of one that is brought back: its id and other columns.
    :raises Invalid: When a value is out of bounds.
    :raises Taken: When another user of the account has this user name, in any case.
    :raises Forbidden: When a mapping makes it more than the actor is (see ``delegation``).
    """
    profile = _cleaned(profile)
    columns = _columns(profile) | _password(password)
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "origin": work.actor.origin,
        "connection_id": work.actor.connection_id,
        "created_at": work.at,
        "updated_at": work.at,
        **(restored or {}),
    }
    user_id = str(row["id"])
    try:
        # Into the table: by way of the model, an ``active`` of None would become the default.
        db.session.execute(insert(table(User)), [row | columns])
    except IntegrityError as error:
        raise _taken(profile.user_name) from error
    _insert_values(work, user_id, profile.values)
    work.record("user.created", _target(user_id, profile), after=_snapshot(profile))
    mapped_users.apply_to_user(work, _target(user_id, profile), {}, profile.values)
    delegation.check_gained(work, user_id)
    return user_id


def replace(
    work: Work,
    user_id: str,
    profile: Profile,
    *,
    password: str | None = None,
    expected_version: int | None = None,
) -> bool:
    """Make a user what the profile says, and return whether that changed anything.

    ``active`` going to false is a deactivation: sessions end, links die.

    :raises NotFound: When the account has no such user.
    :raises VersionMismatch: When the user is not at ``expected_version``.
    :raises Taken: When another user of the account has this user name.
    :raises LastMasterAdmin: When it would deactivate the last master admin, or take away the
        value of ``roles`` or ``entitlements`` that makes it one.
    """
    row = _row(work, user_id, expected_version)
    delegation.check_over(work, user_id)
    stored = _profile_of(row, _stored_values(work, user_id))
    profile = _cleaned(profile)
    before, after = _difference(stored, profile)
    if not before and not after and password is None:
        return False
    if bool(stored.active) != bool(profile.active):
        _switch(work, user_id, bool(profile.active))
    try:
        _update(work, user_id, _columns(profile) | _password(password))
    except IntegrityError as error:
        raise _taken(profile.user_name) from error
    for attribute in stored.values.keys() | profile.values.keys():
        if stored.values.get(attribute) != profile.values.get(attribute):
            _replace_values(work, user_id, attribute, profile.values.get(attribute, []))
    if password is not None:
        after["password"] = "changed"  # noqa: S105 - said, never shown
    work.record(_action(stored, profile), _target(user_id, profile), before=before, after=after)
    mapped_users.apply_to_user(work, _target(user_id, profile), stored.values, profile.values)
    delegation.check_gained(work, user_id)
    return True


def profile_of(work: Work, user_id: str) -> Profile:
    """Return what is known of a user.

    :raises NotFound: When the account has no such user.
    """
    return _profile_of(_row(work, user_id), _stored_values(work, user_id))


def set_active(work: Work, user_id: str, active: bool) -> bool:
    """Activate or deactivate a user, and return whether that changed anything.

    :raises NotFound: When the account has no such user.
    :raises LastMasterAdmin: When it would deactivate the last master admin.
    """
    row = _row(work, user_id)
    if row.active == active:
        return False
    delegation.check_over(work, user_id)
    _switch(work, user_id, active)
    _update(work, user_id, {"active": active})
    work.record(
        "user.activated" if active else "user.deactivated",
        Target("user", user_id, row.user_name),
        before={"active": row.active},
        after={"active": active},
    )
    return True


def delete(work: Work, user_id: str, *, expected_version: int | None = None) -> None:
    """Remove a user with everything that hangs on it: memberships, grants, sessions.

    For a while it can be brought back (see ``restoring``).

    :raises NotFound: When the account has no such user.
    :raises VersionMismatch: When the user is not at ``expected_version``.
    :raises LastMasterAdmin: When it is the last master admin.
    """
    row = _row(work, user_id, expected_version)
    delegation.check_over(work, user_id)
    work.may_remove_access()
    stored = _profile_of(row, _stored_values(work, user_id))
    groups = select(Membership.group_id).where(
        Membership.account_id == work.account_id, Membership.user_id == user_id
    )
    snapshot = _snapshot(stored) | {"groups": sorted(db.session.scalars(groups))}
    db.session.execute(  # They lose a member, so their version must tell.
        update(Group)
        .where(Group.account_id == work.account_id, Group.id.in_(groups))
        .values(version=Group.version + 1, updated_at=work.at)
    )
    target = _target(user_id, stored)
    content = {"profile": asdict(stored), "groups": snapshot["groups"]}
    content["grants"] = kept(grants.revoke_all_of(work, target))
    tombstones.bury(work, target, content)
    db.session.execute(sql_delete(User).where(_is(work, user_id)))
    work.record("user.deleted", target, before=snapshot)


def _switch(work: Work, user_id: str, active: bool) -> None:
    if active:
        work.access_changed = True
        return
    work.may_remove_access()
    sessions.revoke_all(work, user_id, reason="user deactivated")


def _is(work: Work, user_id: str) -> Any:
    return (User.account_id == work.account_id) & (User.id == user_id)


def _row(work: Work, user_id: str, expected_version: int | None = None) -> Any:
    columns = select(
        User.user_name,
        User.external_id,
        User.display_name,
        User.active,
        User.attributes,
        User.version,
    )
    row = db.session.execute(columns.where(_is(work, user_id))).first()
    if row is None:
        raise NotFound("user", user_id)
    if expected_version is not None and row.version != expected_version:
        raise VersionMismatch
    return row


def _update(work: Work, user_id: str, columns: dict[str, Any]) -> None:
    db.session.execute(
        update(User)
        .where(_is(work, user_id))
        .values(**columns, version=User.version + 1, updated_at=work.at)
    )


def _cleaned(profile: Profile) -> Profile:
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
        bounds.optional(f"{attribute}.{name}", entry.get(name), limit)
    if not isinstance(entry.get("primary"), bool | None):
        field = f"{attribute}.primary"
        raise Invalid(say("%(field)s must be true or false.", field=field), field=field)
    return bounds.attributes({key: item for key, item in entry.items() if item is not None})


def _columns(profile: Profile) -> dict[str, Any]:
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


def _password(password: str | None) -> dict[str, Any]:
    if password is None:
        return {}
    bounds.required("password", password, bounds.TEXT_LENGTH)
    return {"password_hash": hash_password(password)}


def _insert_values(work: Work, user_id: str, values: dict[str, list[dict[str, Any]]]) -> None:
    rows = [
        {"account_id": work.account_id, "user_id": user_id, "attribute": attribute}
        | _value_row(position, entry)
        for attribute, entries in values.items()
        for position, entry in enumerate(entries)
    ]
    if rows:
        db.session.execute(insert(UserValue), rows)


def _value_row(position: int, entry: dict[str, Any]) -> dict[str, Any]:
    value = entry.get("value")
    return {
        "position": position,
        "value_key": None if value is None else comparison_key(value)[: bounds.VALUE_KEY_LENGTH],
        "extra": {key: item for key, item in entry.items() if key not in _VALUE_FIELDS} or None,
        **{name: entry.get(name) for name in _VALUE_FIELDS},
    }


def _replace_values(
    work: Work, user_id: str, attribute: str, entries: list[dict[str, Any]]
) -> None:
    db.session.execute(
        sql_delete(UserValue).where(
            UserValue.account_id == work.account_id,
            UserValue.user_id == user_id,
            UserValue.attribute == attribute,
        )
    )
    _insert_values(work, user_id, {attribute: entries})


def _stored_values(work: Work, user_id: str) -> list[Any]:
    query = select(UserValue.__table__).where(
        UserValue.account_id == work.account_id, UserValue.user_id == user_id
    )
    return list(db.session.execute(query.order_by(UserValue.attribute, UserValue.position)))


def _profile_of(row: Any, values: list[Any]) -> Profile:
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


def value_entry(value: Any) -> dict[str, Any]:
    """Return the sub-attributes of a row of ``user_values``, those that are set, by SCIM name."""
    entry = {name: getattr(value, name) for name in _VALUE_FIELDS}
    return {key: item for key, item in entry.items() if item is not None} | (value.extra or {})


def _snapshot(profile: Profile) -> dict[str, Any]:
    return {
        **profile.attributes,
        **profile.values,
        "userName": profile.user_name,
        "externalId": profile.external_id,
        "displayName": profile.display_name,
        "active": profile.active,
    }


def _difference(stored: Profile, new: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changes, before and after. An attribute missing on one side is left out of it."""
    old, fresh = _snapshot(stored), _snapshot(new)
    changed = [key for key in old.keys() | fresh.keys() if old.get(key) != fresh.get(key)]
    return (
        {key: old[key] for key in changed if key in old},
        {key: fresh[key] for key in changed if key in fresh},
    )


def _action(stored: Profile, new: Profile) -> str:
    if bool(stored.active) == bool(new.active):
        return "user.updated"
    return "user.activated" if new.active else "user.deactivated"


def _target(user_id: str, profile: Profile) -> Target:
    return Target("user", user_id, profile.user_name)


def _taken(user_name: str) -> Taken:
    return Taken(say("Another user has the userName %(name)r already.", name=user_name))
