"""Every write of an OAuth client, and the access tokens it is issued (RFC 6749 §4.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from app.directory import bounds, connections, delegation, networks, tokens
from app.directory.errors import NotFound, Taken
from app.directory.work import Target, Work
from app.security.clients import ClientIdentity
from app.security.secrets import digest, new_secret
from app.security.tokens import new_token
from app.store.database import db, write_transaction
from app.store.models import Connection, OAuthClient, Token
from app.store.types import new_id, now
from app.words import say

ACCESS_TOKEN_LIFETIME = timedelta(hours=1)
LIVE_TOKENS = 20
"""Most access tokens of one client that live at a time: the oldest make way."""


@dataclass(frozen=True)
class IssuedClient:
    """Client credentials. ``secret`` is known here and now only: the store keeps its digest."""

    id: str
    secret: str


@dataclass(frozen=True)
class ListedClient:
    id: str
    name: str
    connection: str
    scopes: list[str]
    networks: list[str]
    created_at: datetime
    last_used_at: datetime | None


def create(
    work: Work,
    connection_id: str,
    name: str,
    scopes: Collection[str],
    *,
    allowed: Iterable[str] = (),
) -> IssuedClient:
    """Add a client of a connection.

    :param scopes: Of ``app.security.tokens.SCOPES``.
    :param allowed: The networks it may come from, in CIDR form; none: any.
    :raises Invalid: When a scope or a network is none.
    :raises NotFound: When the account has no such connection.
    :raises Forbidden: When it may do more than the actor.
    :raises Taken: When the account has a client of this name: to revoke it must end all it means.
    """
    connections.check(work, connection_id)
    delegation.check_scim_scopes(work, scopes)
    name = bounds.required("name", name)
    if db.session.scalar(_named(work, name)) is not None:
        raise Taken(say("There is a client %(name)r already.", name=name))
    issued = IssuedClient(new_id(), new_secret())
    row: dict[str, Any] = {
        "account_id": work.account_id,
        "id": issued.id,
        "connection_id": connection_id,
        "name": name,
        "hash": digest(issued.secret),
        "scopes": tokens.cleaned_scopes(scopes),
        "networks": networks.cleaned(allowed),
        "created_at": work.at,
    }
    db.session.execute(insert(OAuthClient), [row])
    shown = ("scopes", "networks", "connection_id")
    work.record(
        "client.created",
        Target("client", issued.id, name),
        after={key: row[key] for key in shown},
    )
    return issued


def rotate(
    work: Work, client: str, *, overlap: timedelta = tokens.ROTATION_OVERLAP
) -> IssuedClient:
    """Give a client a new secret; the one it replaces works on until the overlap ends.

    :param client: The name or id of the client.
    :raises NotFound: When the account has no such client.
    :raises Forbidden: When it may do more than the actor: its secret would make them more.
    """
    row = _find(work, client)
    delegation.check_scim_scopes(work, row.scopes)
    issued = IssuedClient(row.id, new_secret())
    ends = work.at + overlap
    db.session.execute(
        update(OAuthClient)
        .where(OAuthClient.account_id == work.account_id, OAuthClient.id == row.id)
        .values(hash=digest(issued.secret), previous_hash=row.hash, previous_expires_at=ends)
    )
    work.record(
        "client.rotated",
        Target("client", row.id, row.name),
        after={"previous_ends": ends.isoformat()},
    )
    return issued


def revoke(work: Work, client: str) -> None:
    """Remove a client. Its access tokens end at once.

    :param client: The name or id of the client.
    :raises NotFound: When the account has no such client.
    """
    _delete(work, _find(work, client))


def revoke_of_connection(work: Work, connection_id: str) -> int:
    """Remove every client of a connection, and return how many."""
    query = select(OAuthClient.__table__).where(
        OAuthClient.account_id == work.account_id, OAuthClient.connection_id == connection_id
    )
    rows = db.session.execute(query.order_by(OAuthClient.id)).all()
    for row in rows:
        _delete(work, row)
    return len(rows)


def issue_access_token(client: ClientIdentity, scopes: Collection[str]) -> str:
    """Return a new access token of a client, and forget those that are too many or too old.

    It is not an event of its own: what the token does is.

    :param scopes: Of the client's.
    :raises NotFound: When the client has been revoked since it proved its secret.
    """
    token, prefix = new_token()
    at = now()
    row: dict[str, Any] = {
        "account_id": client.account_id,
        "id": new_id(),
        "connection_id": client.connection_id,
        "client_id": client.client_id,
        "name": client.name,
        "prefix": prefix,
        "hash": digest(token),
        "scopes": sorted(scopes),
        "networks": client.networks,
        "created_at": at,
        "expires_at": at + ACCESS_TOKEN_LIFETIME,
    }
    own = (Token.account_id == client.account_id) & (Token.client_id == client.client_id)
    newest = select(Token.id).where(own, Token.expires_at > at).order_by(Token.id.desc())
    with write_transaction():
        # First of all: it holds the client's row, so that its requests go one after another.
        used = db.session.scalar(
            update(OAuthClient)
            .where(OAuthClient.account_id == client.account_id, OAuthClient.id == client.client_id)
            .values(last_used_at=at)
            .returning(OAuthClient.id)
        )
        if used is None:
            raise NotFound("client", client.client_id)
        kept = list(db.session.scalars(newest.limit(LIVE_TOKENS - 1)))
        db.session.execute(delete(Token).where(own, Token.id.not_in(kept)))
        db.session.execute(insert(Token), [row])
    return token


def listed(account_id: str) -> list[ListedClient]:
    """Return the clients of an account, oldest first."""
    query = (
        select(OAuthClient.__table__, Connection.name.label("connection"))
        .join(
            Connection,
            (Connection.account_id == OAuthClient.account_id)
            & (Connection.id == OAuthClient.connection_id),
        )
        .where(OAuthClient.account_id == account_id)
        .order_by(OAuthClient.id)
    )
    return [
        ListedClient(
            row.id,
            row.name,
            row.connection,
            row.scopes,
            row.networks,
            row.created_at,
            row.last_used_at,
        )
        for row in db.session.execute(query)
    ]


def _delete(work: Work, row: Any) -> None:
    db.session.execute(
        delete(OAuthClient).where(
            OAuthClient.account_id == work.account_id, OAuthClient.id == row.id
        )
    )
    work.record("client.revoked", Target("client", row.id, row.name))


def _find(work: Work, client: str) -> Any:
    row = db.session.execute(_named(work, client)).first()
    if row is None:
        raise NotFound("client", client)
    return row


def _named(work: Work, client: str) -> Select[*tuple[Any, ...]]:
    """Return the client with an id or a name. A name is never an id: see :func:`create`."""
    return select(OAuthClient.__table__).where(
        OAuthClient.account_id == work.account_id,
        (OAuthClient.id == client) | (OAuthClient.name == client),
    )
