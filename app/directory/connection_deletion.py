"""Deleting a connection: only once it is out of use and nothing is decided by it any more.

Its credentials, keys, sessions and traces go with it. The people and groups that came through it
stay, with all that they hold: they belong to the account. Whoever should lose something loses it by
a decision of its own, such as a deactivation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from app.directory import clients, connections, tokens
from app.directory.errors import NotEmpty, NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Connection, Domain, Group, Mapping, OAuthClient, Token, User
from app.words import Said, say


@dataclass(frozen=True)
class Dependents:
    """What there is of a connection."""

    kind: str
    name: str
    enabled: bool
    settings: dict[str, Any]
    mappings: int
    """Those that count for it alone."""
    domains: int
    users: int
    """How many came through it."""
    groups: int
    tokens: int
    clients: int

    def in_the_way(self) -> Said | None:
        """Return what must be done first before it can be deleted; None: nothing."""
        if self.enabled:
            return say("Take it out of use first.")
        if self.domains:
            return say("Move or remove its domains first: %(count)s.", count=self.domains)
        if self.mappings:
            return say(
                "Delete the mappings that count for it alone first: %(count)s.",
                count=self.mappings,
            )
        return None


def dependents(account_id: str, connection_id: str) -> Dependents:
    """Return what there is of a connection, in one statement.

    :raises NotFound: When the account has no such connection.
    """
    counted = {
        "mappings": Mapping,
        "domains": Domain,
        "users": User,
        "groups": Group,
        "clients": OAuthClient,
    }
    columns = [
        _count(account_id, connection_id, table).scalar_subquery().label(name)
        for name, table in counted.items()
    ]
    own = _count(account_id, connection_id, Token).where(Token.client_id.is_(None))
    query = select(
        *(Connection.kind, Connection.name, Connection.enabled, Connection.settings),
        *columns,
        own.scalar_subquery().label("tokens"),
    ).where(Connection.account_id == account_id, Connection.id == connection_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("connection", connection_id)
    return Dependents(**row._mapping)


def delete_connection(work: Work, connection_id: str) -> Dependents:
    """Delete a connection, and return what there was of it.

    :raises NotFound: When the account has no such connection.
    :raises NotEmpty: When it is in use, or a domain or a mapping refers to it.
    """
    found = dependents(work.account_id, connection_id)
    first = found.in_the_way()
    if first is not None:
        raise NotEmpty(say("%(name)s cannot be deleted yet. %(what)s", name=found.name, what=first))
    connections.end_sessions(work, connection_id, reason="connection deleted")
    tokens.revoke_of_connection(work, connection_id)
    clients.revoke_of_connection(work, connection_id)
    for table in (User, Group):
        own = (table.account_id == work.account_id) & (table.connection_id == connection_id)
        db.session.execute(update(table).where(own).values(connection_id=None))
    where = (Connection.account_id == work.account_id) & (Connection.id == connection_id)
    db.session.execute(delete(Connection).where(where))
    work.record(
        "connection.deleted",
        Target("connection", connection_id, found.name),
        before={"kind": found.kind, "settings": found.settings}
        | {"users": found.users, "groups": found.groups},
    )
    return found


def _count(account_id: str, connection_id: str, table: Any) -> Select[Any]:
    return select(func.count()).where(
        table.account_id == account_id, table.connection_id == connection_id
    )
