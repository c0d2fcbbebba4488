"""What has changed in an account since a time, and how it was before: from the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.store.database import db
from app.store.models import AuditEvent

AT_ONCE = 500
"""How many events are in memory at once while they are read."""
Columns = dict[str, Any]
"""What is known of how a row was: ``existed``, and columns by name."""

_CREATED = ("user.created", "group.created", "folder.created", "role.created", "grant.given")
_ENDED = ("user.deleted", "group.deleted", "folder.deleted", "role.deleted", "grant.revoked")
_CHANGED = (
    *("user.updated", "user.activated", "user.deactivated"),
    *("group.updated", "folder.updated", "role.updated", "grant.changed"),
)
_CAME, _WENT = "group.members_added", "group.members_removed"
_NAMES = {
    "user": {"userName": "user_name", "active": "active"},
    "group": {"displayName": "display_name"},
    "folder": {"name": "name", "parent": "parent_id", "restricted": "restricted"},
    "role": {"scope": "scope", "name": "name", "permissions": "permissions"},
}
"""What events call that on which access depends, and the columns it is in."""
_GRANT = ("role_id", "folder_id", "origin", "granted_by", "reason")


@dataclass
class Since:
    """How everything was, at a time, that has changed after it. The rest is as the tables have it.

    Events are noted from the oldest to the newest; of each thing the first one counts, because it
    tells how the thing was before any of them.
    """

    users: dict[str, Columns] = field(default_factory=dict)
    groups: dict[str, Columns] = field(default_factory=dict)
    folders: dict[str, Columns] = field(default_factory=dict)
    roles: dict[str, Columns] = field(default_factory=dict)
    grants: dict[str, Columns] = field(default_factory=dict)
    memberships: dict[str, dict[str, bool]] = field(default_factory=dict)
    """By user, then by group: whether the user was right in it."""
    nested: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By group and member: whether the member, a group, was right in it."""

    def note(self, event: Any) -> None:
        """Take in one event: a row of ``action``, ``target_type``, ``target_id``, before, after."""
        kind, before, id_ = event.action.partition(".")[0], event.before or {}, event.target_id
        if event.action in (_CAME, _WENT):
            self._members(id_, event.after or {}, event.action == _WENT)
        elif kind == "grant":
            self._grant(event)
        else:
            rows = {"user": self.users, "group": self.groups, "folder": self.folders}
            was = {name: before[key] for key, name in _NAMES[kind].items() if key in before}
            _keep(rows.get(kind, self.roles), id_, was, event.action)
        if event.action == "group.deleted":
            self._members(id_, before, True)
            for outer in before.get("groups", ()):
                self.nested.setdefault((outer, id_), True)
        elif event.action == "user.deleted":
            self._membership(before.get("groups", ()), id_, True)

    def _members(self, group_id: str, named: Mapping[str, Any], were_in: bool) -> None:
        inner = set(named.get("member_groups", ()))
        for each in named.get("members", ()):
            if each in inner:
                self.nested.setdefault((group_id, each), were_in)
            else:
                self._membership([group_id], each, were_in)

    def _membership(self, group_ids: Iterable[str], user_id: str, was_in: bool) -> None:
        for each in group_ids:
            self.memberships.setdefault(user_id, {}).setdefault(each, was_in)

    def _grant(self, event: Any) -> None:
        before = event.before
        if before is None:
            self.grants.setdefault(event.after["id"], {"existed": False})
            return
        was = {name: before[name] for name in _GRANT}
        was |= {f"{holder}_id": None for holder in ("user", "group")}
        was[f"{event.target_type}_id"] = event.target_id
        for name in ("not_before", "expires_at"):
            was[name] = datetime.fromisoformat(before[name]) if before.get(name) else None
        was |= {"id": before["id"], "created_at": _made_at(before["id"])}
        _keep(self.grants, before["id"], was, event.action)


def changes_since(account_id: str, at: datetime) -> Since:
    """Read what has happened in an account after a time.

    What is in memory grows with what has changed since, not with the account or the log.
    """
    query = (
        select(
            AuditEvent.action,
            AuditEvent.target_type,
            AuditEvent.target_id,
            AuditEvent.before,
            AuditEvent.after,
        )
        .where(
            AuditEvent.account_id == account_id,
            AuditEvent.at > at,
            AuditEvent.action.in_((*_CREATED, *_CHANGED, *_ENDED, _CAME, _WENT)),
            AuditEvent.outcome == "success",
        )
        .order_by(AuditEvent.at, AuditEvent.id)
    )
    since = Since()
    for event in db.session.execute(query.execution_options(yield_per=AT_ONCE)):
        since.note(event)
    return since


def _keep(known: dict[str, Columns], id_: str, was: Columns, action: str) -> None:
    """Note how a row was, as far as earlier events do not tell already."""
    stored = known.setdefault(id_, {"existed": action not in _CREATED})
    if stored["existed"]:
        known[id_] = was | stored


def _made_at(id_: str) -> datetime:
    """Return when an id was made: it begins with the milliseconds since 1970 (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((UUID(id_).int >> 80) / 1000, UTC)
