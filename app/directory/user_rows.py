"""Rows of users, written by the set with their events: one for ``users``, hundreds for an import.

What may be written has been decided before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Delete, Update, bindparam, delete, update

from app.directory import profiles, sessions
from app.directory.errors import Taken
from app.directory.profiles import Profile
from app.directory.work import Target, Work
from app.store.bulk import insert_rows
from app.store.database import table
from app.store.models import User, UserValue
from app.store.prepared import Prepared, one_of, prepared
from app.store.types import Id, UtcDateTime, new_id
from app.words import say

_ACCOUNT = bindparam("account", type_=Id)


@dataclass
class New:
    """Somebody who is to be added."""

    profile: Profile
    """Cleaned."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What the row has besides, or instead of what it has by itself."""
    id: str = field(default_factory=new_id)


@dataclass
class Change:
    """Somebody who is to become what a profile says."""

    id: str
    stored: Profile
    profile: Profile
    """Cleaned."""
    before: dict[str, Any]
    after: dict[str, Any]
    """What changes, as the event says it."""

    @classmethod
    def between(cls, user_id: str, stored: Profile, profile: Profile) -> Change:
        return cls(user_id, stored, profile, *profiles.difference(stored, profile))

    @property
    def switches(self) -> bool:
        """Whether it activates or deactivates."""
        return bool(self.stored.active) != bool(self.profile.active)

    def columns(self) -> dict[str, Any]:
        """Return the columns of ``users`` that differ."""
        stored, wanted = profiles.columns_of(self.stored), profiles.columns_of(self.profile)
        return {name: item for name, item in wanted.items() if item != stored[name]}

    def __bool__(self) -> bool:
        return bool(self.before or self.after)


def insert(work: Work, people: Sequence[New]) -> None:
    """Add users.

    :raises IntegrityError: When one has the user name of another.
    """
    common = {
        "account_id": work.account_id,
        "origin": work.actor.origin,
        "connection_id": work.actor.connection_id,
        "created_at": work.at,
        "updated_at": work.at,
    }
    rows = [
        {**common, "id": each.id, **each.columns, **profiles.columns_of(each.profile)}
        for each in people
    ]
    # Into the table: by way of the model, an ``active`` of None would become the default.
    insert_rows(table(User), rows)
    _insert_values(work, [(each.id, each.profile.values) for each in people])
    for each in people:
        target = Target("user", each.id, each.profile.user_name)
        work.record("user.created", target, after=profiles.snapshot(each.profile))


def change(work: Work, changes: Sequence[Change], columns: Mapping[str, Any] | None = None) -> None:
    """Make users what their profiles say. Sessions of those who are deactivated end.

    :param columns: What all of them get besides.
    :raises IntegrityError: When one has the user name of another.
    """
    switch(work, [each.id for each in changes if each.switches and each.profile.active], True)
    switch(work, [each.id for each in changes if each.switches and not each.profile.active], False)
    update_columns(work, [(each.id, each.columns() | dict(columns or {})) for each in changes])
    _replace_values(work, changes)
    for each in changes:
        target = Target("user", each.id, each.profile.user_name)
        work.record(_action(each), target, before=each.before, after=each.after)


def switch(work: Work, user_ids: Sequence[str], active: bool) -> None:
    """Do what goes with users becoming active, or not: their sessions end."""
    if not user_ids:
        return
    if active:
        work.access_changed = True
        return
    work.may_remove_access()
    sessions.revoke_all_of(work, user_ids, reason="user deactivated")


def taken(user_name: str) -> Taken:
    """Return the refusal of a user name that another user of the account has, in any case."""
    return Taken(say("Another user has the userName %(name)r already.", name=user_name))


def update_columns(work: Work, changes: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write columns of users, by their ids, and count the change."""
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for user_id, columns in changes:
        row = {"account": work.account_id, "user": user_id, "at": work.at, **columns}
        rows.setdefault(tuple(columns), []).append(row)
    for names, those in rows.items():
        _update(names).run_each(those)


@cache
def _update(names: tuple[str, ...]) -> Prepared:
    """Return the statement that writes these columns of one user."""

    def build() -> Update:
        users = table(User)
        written = {name: bindparam(name, type_=users.c[name].type) for name in names}
        counted = {"version": users.c.version + 1, "updated_at": bindparam("at", type_=UtcDateTime)}
        this = (users.c.account_id == _ACCOUNT) & (users.c.id == bindparam("user", type_=Id))
        return update(users).where(this).values(written | counted)

    return Prepared(build)


def _replace_values(work: Work, changes: Sequence[Change]) -> None:
    """Write the multi-valued attributes that change, each anew."""
    changed: dict[str, list[str]] = {}
    new_values = []
    for each in changes:
        old, new = each.stored.values, each.profile.values
        differing = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        for attribute in differing:
            changed.setdefault(attribute, []).append(each.id)
        new_values.append((each.id, {name: new.get(name, []) for name in differing}))
    for attribute, user_ids in sorted(changed.items()):
        _delete_values.run(account=work.account_id, attribute=attribute, users=user_ids)
    _insert_values(work, new_values)


@prepared
def _delete_values() -> Delete:
    values = table(UserValue)
    return delete(values).where(
        values.c.account_id == _ACCOUNT,
        one_of(values.c.user_id, "users"),
        values.c.attribute == bindparam("attribute", type_=values.c.attribute.type),
    )


def _insert_values(
    work: Work, people: Sequence[tuple[str, Mapping[str, list[dict[str, Any]]]]]
) -> None:
    rows = [
        {"account_id": work.account_id, "user_id": user_id} | row
        for user_id, values in people
        for attribute, entries in values.items()
        for row in profiles.values_of(attribute, entries)
    ]
    insert_rows(table(UserValue), rows)


def _action(change: Change) -> str:
    if not change.switches:
        return "user.updated"
    return "user.activated" if change.profile.active else "user.deactivated"
