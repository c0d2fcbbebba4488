"""Every write of a connection: one identity provider's SCIM or SAML set-up.

Its keys are written in ``connection_keys``, its domains in ``domains``; how it is deleted stands in
``connection_deletion``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.directory import bounds
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.store.database import db, write_transaction
from app.store.models import Account, Connection, Session
from app.store.types import comparison_key, new_id, now
from app.words import any_of, say

KINDS = ("scim", "saml")
_IS_THERE = select(Connection.id).where(
    Connection.account_id == bindparam("account"), Connection.id == bindparam("connection")
)
NAMES_SHOWN = 20
"""How many connections are named to whoever names none of them."""


@dataclass(frozen=True)
class ToRead:
    """A connection whose metadata is due to be read anew."""

    id: str
    account_id: str
    url: str


def create(
    work: Work,
    kind: str,
    name: str,
    *,
    settings: dict[str, Any] | None = None,
    connection_id: str | None = None,
) -> str:
    """Add a connection and return its id.

    :param kind: ``scim`` or ``saml``.
    :param connection_id: Given when something was sealed for this id beforehand.
    :raises Invalid: When the kind is neither, or the name out of bounds.
    :raises Taken: When the account has a connection of this name.
    """
    if kind not in KINDS:
        sentence = say("A connection is of kind %(what)s.", what=any_of(KINDS))
        raise Invalid(sentence, field="kind")
    name = bounds.required("name", name)
    connection_id = connection_id or new_id()
    row = {
        "account_id": work.account_id,
        "id": connection_id,
        "kind": kind,
        "name": name,
        "name_key": comparison_key(name),
        "settings": settings or {},
        "created_at": work.at,
        "updated_at": work.at,
    }
    try:
        db.session.execute(insert(Connection), [row])
    except IntegrityError as error:
        raise _taken(name) from error
    work.record(
        "connection.created",
        Target("connection", connection_id, name),
        after={"kind": kind, "settings": settings or {}},
    )
    return connection_id


def rename(work: Work, connection_id: str, name: str) -> bool:
    """Call a connection otherwise, and return whether it is a change.

    :raises NotFound: When the account has no such connection.
    :raises Invalid: When the name is out of bounds.
    :raises Taken: When the account has another connection of this name.
    """
    name = bounds.required("name", name)
    where = (Connection.account_id == work.account_id) & (Connection.id == connection_id)
    before = db.session.scalar(select(Connection.name).where(where))
    if before is None:
        raise NotFound("connection", connection_id)
    if before == name:
        return False
    changed = {"name": name, "name_key": comparison_key(name), "updated_at": work.at}
    try:
        db.session.execute(update(Connection).where(where).values(**changed))
    except IntegrityError as error:
        raise _taken(name) from error
    work.record(
        "connection.updated",
        Target("connection", connection_id, name),
        before={"name": before},
        after={"name": name},
    )
    return True


def replace_settings(work: Work, connection_id: str, settings: dict[str, Any]) -> None:
    """Replace the settings of a connection, such as the provider's metadata.

    :raises NotFound: When the account has no such connection.
    """
    where = (Connection.account_id == work.account_id) & (Connection.id == connection_id)
    row = db.session.execute(select(Connection.name, Connection.settings).where(where)).first()
    if row is None:
        raise NotFound("connection", connection_id)
    if row.settings == settings:
        return
    db.session.execute(
        update(Connection).where(where).values(settings=settings, updated_at=work.at)
    )
    work.record(
        "connection.updated",
        Target("connection", connection_id, row.name),
        before={"settings": row.settings},
        after={"settings": settings},
    )


def set_enabled(work: Work, name: str, enabled: bool) -> bool:
    """Take a connection, named or by its id, out of use or into it; return whether it is a change.

    Out of use it takes nothing from its provider, and the sessions opened through it end. What it
    made stays.

    :raises NotFound: When the account has no such connection.
    :raises Invalid: When the account requires SAML and it is the last SAML connection in use.
    """
    where = (Connection.account_id == work.account_id) & _named(name)
    columns = (Connection.id, Connection.kind, Connection.name, Connection.enabled)
    row = db.session.execute(_the_one(select(*columns).where(where), name)).first()
    if row is None:
        raise NotFound("connection", name)
    if row.enabled == enabled:
        return False
    changed = update(Connection).where(
        Connection.account_id == work.account_id, Connection.id == row.id
    )
    db.session.execute(changed.values(enabled=enabled, updated_at=work.at))
    if not enabled and row.kind == "saml":
        _check_another_way_in(work)
        end_sessions(work, row.id, reason="connection out of use")
    action = "connection.enabled" if enabled else "connection.disabled"
    work.record(action, Target("connection", row.id, row.name))
    return True


def _check_another_way_in(work: Work) -> None:
    required = select(Account.requires_saml).where(Account.id == work.account_id)
    others = select(Connection.id).where(
        Connection.account_id == work.account_id,
        Connection.kind == "saml",
        Connection.enabled.is_(True),
    )
    if db.session.scalar(required) and db.session.scalar(others.limit(1)) is None:
        raise Invalid(say("The account requires SAML, and this is its last connection in use."))


def end_sessions(work: Work, connection_id: str, *, reason: str) -> None:
    """End every session that was opened through a connection."""
    query = (
        update(Session)
        .where(
            Session.account_id == work.account_id,
            Session.connection_id == connection_id,
            Session.revoked_at.is_(None),
        )
        .values(revoked_at=work.at)
        .returning(Session.user_id)
    )
    for user_id in sorted(set(db.session.scalars(query))):
        work.record("session.revoked", Target("user", user_id), after={"reason": reason})


def _named(name: str) -> ColumnElement[bool]:
    """Return the condition that a connection is called so, in any case, or has this id."""
    return (Connection.name_key == comparison_key(name)) | (Connection.id == name)


def _the_one(query: Select[*tuple[Any, ...]], name: str) -> Select[*tuple[Any, ...]]:
    """Return the query of the one that is named: by its id first, which another may be called."""
    return query.order_by(Connection.id != name).limit(1)


def _not_named(account_id: str, name: str) -> NotFound:
    """Return the error that says which connections there are, where there are any."""
    there = [each.name for each in listed(account_id)]
    shown, more = there[:NAMES_SHOWN], len(there) - NAMES_SHOWN
    if more > 0:
        sentence = say(
            "There is no connection %(name)r. Those there are: %(names)s, and %(more)s more.",
            name=name,
            names=shown,
            more=more,
        )
    else:
        sentence = say(
            "There is no connection %(name)r. Those there are: %(names)s.", name=name, names=shown
        )
    return NotFound("connection", name, sentence if there else None)


def _taken(name: str) -> Taken:
    return Taken(say("There is a connection %(name)r already.", name=name))


def check(work: Work, connection_id: str) -> None:
    """Refuse a connection that is not the account's.

    :raises NotFound: When the account has no such connection.
    """
    values = {"account": work.account_id, "connection": connection_id}
    if db.session.scalar(_IS_THERE, values) is None:
        raise NotFound("connection", connection_id)


def find(account_id: str, name: str) -> str:
    """Return the id of the connection of this name, in any case, or of this id.

    :raises NotFound: When the account has none; it says which ones there are.
    """
    query = select(Connection.id).where(Connection.account_id == account_id, _named(name))
    found: str | None = db.session.scalar(_the_one(query, name))
    if found is None:
        raise _not_named(account_id, name)
    return found


def listed(account_id: str) -> list[Any]:
    """Return the connections of an account, the oldest first, each with its problem if any."""
    columns = (Connection.id, Connection.kind, Connection.name, Connection.enabled)
    query = select(*columns, Connection.problem)
    return list(
        db.session.execute(query.where(Connection.account_id == account_id).order_by(Connection.id))
    )


def find_saml(account_id: str, name: str) -> Any:
    """Return the row of a SAML connection, by its name in any case or its id.

    :raises NotFound: When the account has no such connection.
    """
    query = select(Connection.__table__).where(
        Connection.account_id == account_id,
        Connection.kind == "saml",
        _named(name),
    )
    row = db.session.execute(_the_one(query, name)).first()
    if row is None:
        raise NotFound("SAML connection", name)
    return row


def find_or_create_scim(work: Work, name: str) -> str:
    """Return the id of the SCIM connection of this name, made now if the account has none."""
    query = select(Connection.id).where(
        Connection.account_id == work.account_id,
        Connection.name_key == comparison_key(name),
        Connection.kind == "scim",
    )
    found = db.session.scalar(query)
    return found or create(work, "scim", name)


def with_metadata_to_read(checked_before: datetime) -> list[ToRead]:
    """Return the SAML connections in use, of every account, whose metadata is due to be read."""
    query = select(Connection.id, Connection.account_id, Connection.settings).where(
        Connection.kind == "saml",
        Connection.enabled.is_(True),
        or_(Connection.checked_at.is_(None), Connection.checked_at < checked_before),
    )
    rows = db.session.execute(query.order_by(Connection.checked_at)).all()
    found = [(row, row.settings.get("metadata_url")) for row in rows]
    return [ToRead(row.id, row.account_id, url) for row, url in found if url]


def note_check(account_id: str, connection_id: str, problem: str | None) -> bool:
    """Note that metadata was read anew, or why it could not be; return whether that is news.

    It is not an event: the metadata stays as it is.
    """
    where = (Connection.account_id == account_id) & (Connection.id == connection_id)
    with write_transaction():
        before = db.session.scalar(select(Connection.problem).where(where))
        values = {"checked_at": now(), "problem": problem and problem[:1000]}
        db.session.execute(update(Connection).where(where).values(values))
    return before != problem
