"""One write, one transaction: the change, its audit event, its outgoing event, the new epoch.

A face opens a transaction and calls the directory with it::

    with transaction(account_id, actor) as work:
        users.set_active(work, user_id, False)

When the block raises, nothing of it is kept. Refusals an administrator should know of are written
to the audit log afterwards, in a transaction of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select, update

from app.directory.admins import master_admin
from app.directory.errors import DirectoryError, LastMasterAdmin
from app.store.bulk import insert_rows
from app.store.database import db, table, write_transaction
from app.store.models import Account, AuditEvent, OutgoingEvent
from app.store.prepared import prepared
from app.store.types import Id, new_id, now

COUNTED = {
    "user.created": ("user_count", 1),
    "user.deleted": ("user_count", -1),
    "group.created": ("group_count", 1),
    "group.deleted": ("group_count", -1),
}
"""The events that add or remove what an account counts, so that a list need not."""
GROWING = ("access_epoch", "user_count", "group_count", "list_version", "event_sequence")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks for a write, and from where. It goes into every audit event."""

    type: str
    """``user``, ``token``, ``connection`` or ``system``."""
    name: str
    surface: str
    """``scim``, ``saml``, ``console``, ``api`` or ``cli``."""
    id: str | None = None
    connection_id: str | None = None
    """The connection a provider writes through, if it is one."""
    address: str | None = None
    request_id: str | None = None
    scopes: frozenset[str] | None = None
    """What a token may do (see ``app.security.tokens.SCOPES``); None: whatever it asks for, or, of
    one of the API, what its row permits (an operation goes on when the request is over)."""

    @property
    def origin(self) -> str:
        """Where things this actor makes come from: ``scim``, ``saml`` or ``manual``."""
        return self.surface if self.surface in ("scim", "saml") else "manual"


@dataclass(frozen=True)
class Target:
    """What an event is about."""

    type: str
    id: str | None
    name: str = ""


@dataclass
class Work:
    """One open write transaction of one account."""

    account_id: str
    actor: Actor
    at: datetime
    access_changed: bool = False
    """Set by a write that can change who may do what: the account's epoch grows at the end."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """The audit events of the changes so far."""
    held: dict[str | None, frozenset[str]] = field(default_factory=dict)
    """What the actor may do, by folder, as far as ``app.directory.delegation`` has asked."""
    _written: int = 0
    _had_master_admin: int = 0

    def may_remove_access(self) -> None:
        """Say, before writing, that this could take away the last master admin.

        The end of the transaction then refuses to leave the account without one it had.
        """
        self.access_changed = True
        if not self._had_master_admin:
            self._had_master_admin = master_admin(self.account_id)

    def record(
        self,
        action: str,
        target: Target,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Add one audit event and one outgoing event of a change, written with it."""
        self.events.append(
            _audit_row(self.account_id, self.actor, self.at, action, target)
            | {"before": before, "after": after}
        )

    def finish(self) -> None:
        """End what was written so far: its events, the account's epoch.

        :raises LastMasterAdmin: When it took away the last master admin.
        """
        had = self._had_master_admin
        if had and master_admin(self.account_id) < had:
            raise LastMasterAdmin
        events = self.events[self._written :]
        last = self._write_account(events)
        if events:
            # Into the tables: by way of the models it takes twice as long, on every write.
            insert_rows(table(AuditEvent), events)
            places = range(last - len(events) + 1, last + 1)
            insert_rows(table(OutgoingEvent), list(map(_outgoing_row, events, places)))
        self._written = len(self.events)
        self.access_changed, self._had_master_admin = False, 0

    def _write_account(self, events: Collection[dict[str, Any]]) -> int:
        """Write what the account says of itself: its epoch, how many users and groups it has.

        :return: The place of the last of these events among all of the account. Its writes go one
            after another, so places are in the order of what happened, whatever clocks say.
        """
        grown = dict.fromkeys(GROWING, 0) | {"access_epoch": int(self.access_changed)}
        grown["event_sequence"] = len(events)
        for event in events:
            if event["action"] in COUNTED:
                column, by = COUNTED[event["action"]]
                grown[column] += by
                grown["list_version"] += 1
        last = _grow.scalar(id_=self.account_id, **grown) if any(grown.values()) else 0
        return int(last)


@contextmanager
def transaction(account_id: str, actor: Actor) -> Iterator[Work]:
    """Open the one write transaction of a request, and commit it when the block ends.

    Writes of one account go one after another: what a write has read stays so until it ends
    (uniqueness, cycles, the last master admin), and no two can wait for each other.

    A ``DirectoryError`` that an administrator should know of (see ``AUDITED_REFUSALS``) is
    written to the audit log after the rollback, then raised again.
    """
    try:
        with write_transaction():
            lock_account(account_id)
            work = Work(account_id, actor, now())
            yield work
            work.finish()
    except AUDITED_REFUSALS as error:
        record_refusal(account_id, actor, "directory.refused", str(error))
        raise


AUDITED_REFUSALS: tuple[type[DirectoryError], ...] = (LastMasterAdmin,)


def record_refusal(
    account_id: str, actor: Actor, action: str, reason: str, target: Target | None = None
) -> None:
    """Write the audit event of something that was refused, in a transaction of its own."""
    row = _audit_row(account_id, actor, now(), action, target or Target("account", account_id))
    refusal = row | {"outcome": "refused", "reason": reason[:1000]}
    with write_transaction():
        insert_rows(table(AuditEvent), [refusal])


def lock_account(account_id: str) -> None:
    """Wait for the account's other writes. On SQLite the transaction has done so at its start."""
    if db.engine.dialect.name != "sqlite":
        _lock.first(id_=account_id)


@prepared
def _lock() -> Select[str]:
    # NO KEY UPDATE: rows that refer to the account can still be written by those who don't
    # wait here, such as the note that a token is in use.
    this = Account.id == bindparam("id_", type_=Id)
    return select(Account.id).where(this).with_for_update(key_share=True)


@prepared
def _grow() -> Any:
    account = table(Account)
    by = {name: account.c[name] + bindparam(name, type_=Integer) for name in GROWING}
    this = account.c.id == bindparam("id_", type_=Id)
    return update(account).where(this).values(by).returning(account.c.event_sequence)


def _audit_row(
    account_id: str, actor: Actor, at: datetime, action: str, target: Target
) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "id": new_id(),
        "at": at,
        "action": action,
        "actor_type": actor.type,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "surface": actor.surface,
        "address": actor.address,
        "request_id": actor.request_id,
        "target_type": target.type,
        "target_id": target.id,
        "target_name": target.name[:1000],
    }


def _outgoing_row(event: dict[str, Any], sequence: int) -> dict[str, Any]:
    return {
        "account_id": event["account_id"],
        "id": event["id"],
        "sequence": sequence,
        "at": event["at"],
        "type": event["action"],
        "payload": {
            "target": {"type": event["target_type"], "id": event["target_id"]},
            "after": event["after"],
        },
    }
