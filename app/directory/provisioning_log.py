"""The provisioning log: what identity providers asked over SCIM, and how it went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    bindparam,
    cast,
    delete,
    literal_column,
    or_,
    select,
    union,
)

from app.directory.errors import NotFound
from app.directory.work import Actor, Target, Work
from app.store.bulk import insert_rows
from app.store.database import db, write_transaction
from app.store.functions import position_of
from app.store.models import AuditEvent, Connection, ProvisioningEntry, User
from app.store.prepared import prepared
from app.store.types import Id, comparison_key, first_id, new_id, now, storable

RETENTION = timedelta(days=90)
"""How long a line is kept."""
PRUNED_AT_ONCE = 5
"""Most old lines one new line takes away, so that its cost is bounded."""
PAGE_LIMIT = 1000
"""Most lines :func:`find` returns at once."""
GROUP_CHANGES_AMONG = 5000
"""Among how many of the newest lines changes of groups that name a user are looked for."""
NAMESAKES = 20
"""Most users that one external id is followed to."""
NOTES_LIMIT = 50
NOTE_ITEMS = 4
NOTE_LENGTH = 200
DURATION_LIMIT = 2**31 - 1
"""What its column holds: half an hour."""
QUERY_READ = 4096
QUERY_SHOWN = frozenset(
    {"attributes", "excludedattributes", "filter", "sortby", "sortorder"}
    | {"startindex", "count", "cursor"}
)
"""The query parameters of SCIM, in lower case. Any other could be a secret."""


_IS_ID = re.compile(r"[0-9a-f-]{36}")
_TABLE: Any = ProvisioningEntry.__table__
_LENGTHS = {column.name: getattr(column.type, "length", None) for column in _TABLE.columns}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request as its line says it. It never holds a body, a password or a token."""

    method: str
    path: str
    """Under the SCIM root, with the query, percent-encoded as it came."""
    status: int
    duration_us: int
    """Microseconds until it was decided."""
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    """userName or displayName."""
    scim_type: str | None = None
    detail: str | None = None
    """What the answer said was wrong."""
    notes: list[dict[str, Any]] = field(default_factory=list)
    """What was read otherwise than sent, such as ``{"ignored": "favouriteColour"}``."""
    user_agent: str = ""


@dataclass(frozen=True)
class Change:
    """What a request changed of its resource: an audit event."""

    action: str
    target: Target
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Logged:
    """One line of the log, and what its request changed."""

    row: Any
    """A row of ``provisioning_log``."""
    changes: list[Change]


def note(work: Work, *entries: Entry) -> None:
    """Write the lines of requests within their transaction: all are kept, or none."""
    _insert(work.account_id, work.actor, entries)


def note_failure(account_id: str, actor: Actor, entry: Entry) -> None:
    """Write the line of a request that failed or was refused, in a transaction of its own."""
    with write_transaction():
        _insert(account_id, actor, [entry])


def find(
    account_id: str,
    *,
    user: str | None = None,
    connection: str | None = None,
    failures: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    before: str | None = None,
    limit: int = 100,
) -> list[Logged]:
    """Return lines of an account, newest first.

    :param user: An id, a userName in any case or an externalId. Finds what was asked of this user,
        what failed when only the name was known, and, among the newest ``GROUP_CHANGES_AMONG``
        lines of those wanted, changes of groups that added or removed it.
    :param connection: The id of a connection, or its name in any case.
    :param failures: Only what was answered with a status of 400 and more.
    :param until: Only what was asked before this moment.
    :param before: The id of a line: only older ones, as for the next page.
    :param limit: At most ``PAGE_LIMIT``.
    :raises NotFound: When the account has no such connection.
    """
    limit = max(1, min(limit, PAGE_LIMIT))
    wanted = [ProvisioningEntry.account_id == account_id]
    if since is not None:
        wanted.append(ProvisioningEntry.id >= first_id(since))
    if until is not None:
        wanted.append(ProvisioningEntry.id < first_id(until))
    if before is not None:
        wanted.append(ProvisioningEntry.id < before)
    if connection is not None:
        wanted.append(ProvisioningEntry.connection_id == _connection_id(account_id, connection))
    if failures:
        # Spelled out: the index of failures serves only where this is no parameter.
        wanted.append(ProvisioningEntry.status >= literal_column("400"))
    if user is not None:
        wanted.append(ProvisioningEntry.id.in_(_ids_about(account_id, user, wanted, limit)))
    query = select(_TABLE).where(*wanted)
    rows = db.session.execute(query.order_by(ProvisioningEntry.id.desc()).limit(limit)).all()
    changes = _changes(account_id, rows)
    return [Logged(row, changes.get((row.request_id, row.resource_id), [])) for row in rows]


# -- Writing -----------------------------------------------------------------


def _insert(account_id: str, actor: Actor, entries: Sequence[Entry]) -> None:
    common = {
        "account_id": account_id,
        "at": now(),
        "connection_id": actor.connection_id,
        "actor_id": actor.id,
        "actor_name": _cut("actor_name", actor.name),
        "address": _cut("address", actor.address),
        "request_id": actor.request_id,
    }
    insert_rows(_TABLE, [common | _row(entry) for entry in entries])
    _prune(account_id, PRUNED_AT_ONCE * len(entries))


def _row(entry: Entry) -> dict[str, Any]:
    texts = {
        "user_agent": entry.user_agent,
        "method": entry.method,
        "path": _shown(entry.path),
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "resource_name": entry.resource_name,
        "resource_key": _key(entry.resource_name),
        "scim_type": entry.scim_type,
        "detail": entry.detail,
    }
    return {
        "id": new_id(),
        "status": entry.status,
        "notes": [_short(each) for each in entry.notes[:NOTES_LIMIT]],
        "duration_us": max(0, min(entry.duration_us, DURATION_LIMIT)),
        **{column: _cut(column, text) for column, text in texts.items()},
    }


def _prune(account_id: str, limit: int) -> None:
    """Take away a few lines that are too old. Those another transaction is at are left to it."""
    before = first_id(now() - RETENTION)
    ids = [row.id for row in _oldest.all(account_id=account_id, before=before, limit=limit)]
    if ids:
        db.session.execute(
            delete(ProvisioningEntry).where(
                ProvisioningEntry.account_id == account_id, ProvisioningEntry.id.in_(ids)
            )
        )


@prepared
def _oldest() -> Select[str]:
    """Return the ids of the oldest lines before an id."""
    return (
        select(ProvisioningEntry.id)
        .where(
            ProvisioningEntry.account_id == bindparam("account_id", type_=Id),
            ProvisioningEntry.id < bindparam("before", type_=Id),
        )
        .order_by(ProvisioningEntry.id)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True)
    )


def _cut(column: str, text: str | None) -> str | None:
    """Return a text that its column can keep, whatever it holds."""
    if text is None:
        return None
    return _storable(text[: _LENGTHS[column]])


def _key(name: str | None) -> str | None:
    cut = _cut("resource_name", name)
    return None if cut is None else _cut("resource_key", comparison_key(cut))


def _storable(text: str) -> str:
    if storable(text):
        return text
    return "".join(each if storable(each) else "\ufffd" for each in text)


def _short(note: dict[str, Any]) -> dict[str, str]:
    return {
        _storable(str(key)[:NOTE_LENGTH]): _storable(str(value)[:NOTE_LENGTH])
        for key, value in list(note.items())[:NOTE_ITEMS]
    }


def _shown(path: str) -> str:
    """Return a path with the query as people read it, without what could be a secret."""
    path, _, query = path.partition("?")
    if not query:
        return path
    pairs = parse_qsl(query[:QUERY_READ], keep_blank_values=True)
    return f"{path}?{'&'.join(_parameter(name, value) for name, value in pairs)}"


def _parameter(name: str, value: str) -> str:
    if name.lower() not in QUERY_SHOWN or "password" in value.lower():
        return "…"
    return f"{name}={value}"


# -- Reading -----------------------------------------------------------------


def _connection_id(account_id: str, named: str) -> str:
    query = select(Connection.id).where(
        Connection.account_id == account_id,
        or_(Connection.name_key == comparison_key(named), Connection.id == named),
    )
    found = db.session.scalar(query.limit(1))
    if found is None:
        raise NotFound("connection", named)
    return found


def _ids_about(
    account_id: str, user: str, wanted: list[ColumnElement[bool]], limit: int
) -> CompoundSelect[str]:
    """Select the ids of the newest wanted lines about a user; each part walks one index."""
    key = comparison_key(user)
    query = select(User.id, User.user_name_key).where(
        User.account_id == account_id,
        or_(User.id == user, User.user_name_key == key, User.external_id == user),
    )
    known = db.session.execute(query.limit(NAMESAKES)).all()
    # Also as given: of a user who is no more, the log still has the id and the name.
    ids = {each.id for each in known} | ({user} if _IS_ID.fullmatch(user) else set())
    keys = {_key(user), *(each.user_name_key for each in known)}
    lines = select(ProvisioningEntry.id).where(*wanted)
    of_name = ProvisioningEntry.resource_key.in_(keys) & (ProvisioningEntry.resource_type == "User")
    parts = [_newest(lines.where(of_name), limit)]
    if ids:
        parts.append(_newest(lines.where(ProvisioningEntry.resource_id.in_(ids)), limit))
        parts.append(_group_changes(account_id, ids, wanted, limit))
    return union(*parts)


def _group_changes(
    account_id: str, user_ids: set[str], wanted: list[ColumnElement[bool]], limit: int
) -> Select[str]:
    """Select the ids of lines that added one of the users to a group, or removed it.

    No index leads from a member to the changes that name it. So only the newest lines are looked
    at, and their audit events found by request: the cost is bounded, however long the log.
    """
    newest = (
        select(
            ProvisioningEntry.id,
            ProvisioningEntry.request_id,
            ProvisioningEntry.resource_type,
            ProvisioningEntry.resource_id,
        )
        .where(*wanted)
        .order_by(ProvisioningEntry.id.desc())
        .limit(GROUP_CHANGES_AMONG)
        .cte("newest")
    )
    requests = select(newest.c.request_id).where(newest.c.resource_type == "Group")
    # All texts in it are ids of members, so that looking for one in the whole is exact, and quick.
    members = cast(AuditEvent.after, String())
    changes = (
        select(AuditEvent.request_id, AuditEvent.target_id)
        .where(
            AuditEvent.account_id == account_id,
            AuditEvent.request_id.in_(requests),
            AuditEvent.action.in_(("group.members_added", "group.members_removed")),
            or_(*(position_of(members, f'"{each}"') > 0 for each in user_ids)),
        )
        .subquery()
    )
    query = select(newest.c.id).join(
        changes,
        (changes.c.request_id == newest.c.request_id)
        & (changes.c.target_id == newest.c.resource_id),
    )
    return _newest(query, limit)


def _newest(query: Select[str], limit: int) -> Select[str]:
    """Select the newest of these ids. Wrapped, as SQLite wants it within a union."""
    (id_,) = query.selected_columns
    return select(query.order_by(id_.desc()).limit(limit).subquery().c.id)


def _changes(account_id: str, rows: Sequence[Any]) -> dict[tuple[str, str], list[Change]]:
    """Return what the requests of these lines changed, by request and resource, oldest first."""
    requests = {row.request_id for row in rows if row.request_id}
    if not requests:  # of an empty list, SQLite would read all events of the account
        return {}
    query = select(AuditEvent.__table__).where(
        AuditEvent.account_id == account_id,
        AuditEvent.request_id.in_(requests),
        AuditEvent.target_id.in_({row.resource_id for row in rows if row.resource_id}),
    )
    found: dict[tuple[str, str], list[Change]] = {}
    for event in db.session.execute(query.order_by(AuditEvent.id)):
        target = Target(event.target_type, event.target_id, event.target_name)
        change = Change(event.action, target, event.before, event.after)
        found.setdefault((event.request_id, event.target_id), []).append(change)
    return found
