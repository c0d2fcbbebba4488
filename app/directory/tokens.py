"""Every write of a bearer token. A token belongs to a connection, never to a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Update, bindparam, delete, insert, select, update

from app.access.permissions import ACTIONS
from app.directory import bounds, connections, delegation, networks
from app.directory.errors import Forbidden, Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.security.secrets import digest
from app.security.tokens import SCOPES, new_token
from app.store.database import db, note, table
from app.store.models import Connection, Token
from app.store.prepared import prepared
from app.store.types import Id, UtcDateTime, new_id, now
from app.words import say

ROTATION_OVERLAP = timedelta(days=7)
"""How long a replaced token goes on working, unless told otherwise."""


@dataclass(frozen=True)
class IssuedToken:
    """A new token. ``secret`` is known here and now only: the store keeps its digest."""

    id: str
    secret: str
    prefix: str
    surface: str


@dataclass(frozen=True)
class RotatedToken(IssuedToken):
    """A new token in the place of another."""

    replaced: str
    """The prefix of that one."""
    replaced_ends_at: datetime
    """Until when it works."""
    expires_at: datetime | None
    """Until when the new one works, if there is an end."""


def create(
    work: Work,
    connection_id: str,
    name: str,
    scopes: Collection[str],
    *,
    allowed: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Issue a token.

    :param scopes: What it may do, of ``app.security.tokens.SCOPES``.
    :param allowed: The networks it may come from, in CIDR form; none: any.
    :raises Invalid: When a scope or a network is none, or no scope is given.
    :raises NotFound: When the account has no such connection.
    :raises Taken: When the connection has a live token of this name.
    """
    connections.check(work, connection_id)
    delegation.check_scim_scopes(work, scopes)
    return _issue(
        work,
        connection_id,
        _free_name(work, connection_id, name),
        cleaned_scopes(scopes),
        allowed=networks.cleaned(allowed),
        expires_at=expires_at,
    )


def create_for_api(
    work: Work,
    name: str,
    actions: Collection[str],
    *,
    allowed: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Issue a token of the API.

    :param actions: What it permits, on the account and on every folder.
    :raises Invalid: When an action or a network is none, or no action is given.
    :raises Forbidden: When the actor does not hold all of them.
    :raises Taken: When the account has a live token of the API of this name.
    """
    unknown = sorted(set(actions) - ACTIONS)
    if unknown or not actions:
        sentence = say("Scopes of the API are any of: %(scopes)s.", scopes=sorted(ACTIONS))
        raise Invalid(sentence, field="scopes")
    delegation.check_permissions(work, actions)
    return _issue(
        work,
        None,
        _free_name(work, None, name),
        sorted(set(actions)),
        allowed=networks.cleaned(allowed),
        expires_at=expires_at,
    )


def cleaned_scopes(scopes: Collection[str]) -> list[str]:
    """Return scopes in order, each once.

    :raises Invalid: When one does not exist, or none is given.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(say("Scopes are any of: %(scopes)s.", scopes=SCOPES), field="scope")
    return sorted(set(scopes))


def _free_name(work: Work, connection_id: str | None, name: str) -> str:
    """Return a name that no other live token of a connection, or of the API, has."""
    name = bounds.required("name", name)
    same = _alive(work).where(Token.name == name, Token.connection_id == connection_id)
    for other in db.session.execute(same.order_by(Token.id.desc()).limit(1)):
        sentence = say(
            "There is a token %(name)r already, %(prefix)s: rotate it, or choose another name.",
            name=name,
            prefix=other.prefix,
        )
        raise Taken(sentence)
    return name


def _alive(work: Work) -> Select[*tuple[Any, ...]]:
    return select(Token.__table__).where(
        Token.account_id == work.account_id,
        Token.client_id.is_(None),
        Token.expires_at.is_(None) | (Token.expires_at > work.at),
    )


def _check_end(work: Work, expires_at: datetime | None) -> None:
    """Refuse a token that has an end to issue one that outlives it.

    Those of OAuth clients may: the client gets another one whenever it asks.

    :raises Forbidden: When it would.
    """
    if work.actor.type != "token":
        return
    own = db.session.scalar(
        select(Token.expires_at).where(
            Token.account_id == work.account_id,
            Token.id == work.actor.id,
            Token.client_id.is_(None),
        )
    )
    if own is not None and (expires_at is None or expires_at > own):
        sentence = say(
            "This token ends at %(time)s UTC: none that it makes works for longer.",
            time=f"{own:%Y-%m-%d %H:%M}",
        )
        raise Forbidden(sentence)


def _issue(
    work: Work,
    connection_id: str | None,
    name: str,
    scopes: list[str],
    *,
    allowed: Collection[str] = (),
    expires_at: datetime | None = None,
) -> IssuedToken:
    _check_end(work, expires_at)
    token, prefix = new_token()
    row: dict[str, Any] = {
        "account_id": work.account_id,
        "id": new_id(),
        "surface": "api" if connection_id is None else "scim",
        "connection_id": connection_id,
        "name": name,
        "prefix": prefix,
        "hash": digest(token),
        "scopes": scopes,
        "networks": list(allowed),
        "created_at": work.at,
        "expires_at": expires_at,
    }
    db.session.execute(insert(Token), [row])
    work.record(
        "token.created",
        Target("token", row["id"], name),
        after={
            "prefix": prefix,
            "scopes": scopes,
            "networks": list(allowed),
            "connection": connection_id,
        },
    )
    return IssuedToken(row["id"], token, prefix, row["surface"])


def rotate(work: Work, token: str, *, overlap: timedelta = ROTATION_OVERLAP) -> RotatedToken:
    """Issue a token that replaces another, which works on until the overlap ends, or its own end.

    Nothing else ends: not what an earlier rotation left over, nor another token of its name. The
    new token ends when the one it replaces would have.

    :param token: The id or prefix of the token to replace, or its name if no other has it.
    :raises NotFound: When the account has no such live token.
    :raises Invalid: When several live tokens are meant, or the token was replaced already.
    :raises Forbidden: When it may do more than the actor: its secret would make them more.
    """
    old = _the_one(work, token)
    if old.replaced_by is not None:
        sentence = say(
            "%(prefix)s was replaced already, by %(newest)s: rotate that one, or create another.",
            prefix=old.prefix,
            newest=old.replaced_by,
        )
        raise Invalid(sentence)
    if old.surface == "api":
        delegation.check_permissions(work, old.scopes)
    else:
        delegation.check_scim_scopes(work, old.scopes)
    ends = work.at + overlap
    if old.expires_at is not None:
        ends = min(ends, old.expires_at)
    issued = _issue(
        *(work, old.connection_id, old.name, old.scopes),
        allowed=old.networks,
        expires_at=old.expires_at,
    )
    db.session.execute(
        update(Token)
        .where(Token.account_id == work.account_id, Token.id == old.id)
        .values(expires_at=ends, replaced_by=issued.prefix)
    )
    return RotatedToken(
        **vars(issued), replaced=old.prefix, replaced_ends_at=ends, expires_at=old.expires_at
    )


def revoke(work: Work, token: str) -> str:
    """End a token at once, and return its prefix.

    :param token: Its id or prefix, or its name if no other live token has it.
    :raises NotFound: When the account has no such live token.
    :raises Invalid: When several live tokens are meant.
    """
    row = _the_one(work, token)
    _delete(work, row)
    return str(row.prefix)


def revoke_of_connection(work: Work, connection_id: str) -> int:
    """End every token of a connection but those of OAuth clients, and return how many."""
    query = select(Token.__table__).where(
        Token.account_id == work.account_id,
        Token.connection_id == connection_id,
        Token.client_id.is_(None),
    )
    rows = db.session.execute(query.order_by(Token.id)).all()
    for row in rows:
        _delete(work, row)
    return len(rows)


def touch(account_id: str, token_id: str) -> None:
    """Note that a token is in use. It is not an event, so it leaves no trace in the audit."""
    note(lambda: _touch.run(account=account_id, token=token_id, at=now()))


@prepared
def _touch() -> Update:
    tokens = table(Token)
    return (
        update(tokens)
        .where(
            tokens.c.account_id == bindparam("account", type_=Id),
            tokens.c.id == bindparam("token", type_=Id),
        )
        .values(last_used_at=bindparam("at", type_=UtcDateTime))
    )


@dataclass(frozen=True)
class ListedToken:
    id: str
    prefix: str
    name: str
    surface: str
    """``scim`` or ``api``."""
    connection: str | None
    """Name of its connection; None for one of the API."""
    scopes: list[str]
    networks: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def listed(account_id: str) -> list[ListedToken]:
    """Return the live tokens of an account, oldest first, but for those of OAuth clients."""
    query = (
        select(Token.__table__, Connection.name.label("connection"))
        .outerjoin(
            Connection,
            (Connection.account_id == Token.account_id) & (Connection.id == Token.connection_id),
        )
        .where(
            Token.account_id == account_id,
            Token.client_id.is_(None),
            Token.expires_at.is_(None) | (Token.expires_at > now()),
        )
        .order_by(Token.id)
    )
    return [
        ListedToken(**{name: getattr(row, name) for name in ListedToken.__dataclass_fields__})
        for row in db.session.execute(query)
    ]


def _the_one(work: Work, token: str) -> Any:
    """Return the live token that an id, a prefix or a name means.

    :raises NotFound: When the account has none.
    :raises Invalid: When several have the name.
    """
    meant = (Token.name == token) | (Token.prefix == token) | (Token.id == token)
    rows = db.session.execute(_alive(work).where(meant).order_by(Token.created_at, Token.id)).all()
    if not rows:
        raise NotFound("live token", token)
    # What is one token's own is never taken for the name of others.
    rows = [row for row in rows if token in (row.id, row.prefix)] or rows
    if len(rows) > 1:
        sentence = say(
            "Several live tokens are named %(name)r. Say which by its prefix: %(prefixes)s.",
            name=token,
            prefixes=sorted(row.prefix for row in rows),
        )
        raise Invalid(sentence)
    return rows[0]


def _delete(work: Work, row: Any) -> None:
    db.session.execute(delete(Token).where(Token.account_id == work.account_id, Token.id == row.id))
    work.record("token.revoked", Target("token", row.id, row.name), before={"prefix": row.prefix})
