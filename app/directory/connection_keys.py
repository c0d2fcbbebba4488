"""Our own key pairs at a provider: one signs, and a new one takes its place without a gap.

A new pair is announced first (``next``): our metadata carries it beside the current one, and what
is encrypted for it can be read. Once the provider knows it, it becomes ``current``. The old one
stays as ``previous``: messages encrypted for it may still be under way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.directory import connections
from app.directory.errors import Invalid
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import ConnectionKey
from app.store.types import new_id
from app.words import say

STATES = ("current", "next", "previous")


def stored(account_id: str, connection_id: str) -> dict[str, Any]:
    """Return the keys of a connection by state, each with ``certificate`` and ``sealed_key``."""
    query = select(
        ConnectionKey.state,
        ConnectionKey.certificate,
        ConnectionKey.sealed_key,
        ConnectionKey.created_at,
    ).where(ConnectionKey.account_id == account_id, ConnectionKey.connection_id == connection_id)
    found = {row.state: row for row in db.session.execute(query)}
    return {state: found[state] for state in STATES if state in found}


def current_certificates(account_id: str, connection_ids: Iterable[str]) -> dict[str, str]:
    """Return the certificate we sign with at each of some connections, PEM, by their ids."""
    query = select(ConnectionKey.connection_id, ConnectionKey.certificate).where(
        ConnectionKey.account_id == account_id,
        ConnectionKey.connection_id.in_(list(connection_ids)),
        ConnectionKey.state == "current",
    )
    return {row.connection_id: row.certificate for row in db.session.execute(query)}


def add(work: Work, connection_id: str, state: str, certificate: str, sealed_key: str) -> None:
    """Write a key pair of a connection that has none in this state.

    :param certificate: PEM.
    :param sealed_key: The private key, sealed for the id of the connection.
    """
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        "connection_id": connection_id,
        "state": state,
        "certificate": certificate,
        "sealed_key": sealed_key,
        "created_at": work.at,
    }
    db.session.execute(insert(ConnectionKey), [row])


def announce(work: Work, connection_id: str, certificate: str, sealed_key: str) -> None:
    """Put a new key pair beside the current one.

    :raises NotFound: When the account has no such connection.
    :raises Invalid: When a new one is announced already.
    """
    connections.check(work, connection_id)
    if "next" in stored(work.account_id, connection_id):
        raise Invalid(say("A new key is announced already. Let it take over first."))
    add(work, connection_id, "next", certificate, sealed_key)
    _record(work, connection_id, "connection.key_announced")


def take_over(work: Work, connection_id: str) -> None:
    """Make the announced key pair the current one, and keep the current one as the previous.

    :raises NotFound: When the account has no such connection.
    :raises Invalid: When none is announced.
    """
    connections.check(work, connection_id)
    if "next" not in stored(work.account_id, connection_id):
        raise Invalid(say("No new key is announced."))
    _forget(work, connection_id, "previous")
    _rename(work, connection_id, "current", "previous")
    _rename(work, connection_id, "next", "current")
    _record(work, connection_id, "connection.key_taken_over")


def forget(work: Work, connection_id: str, state: str) -> None:
    """Delete the previous key pair, or one that was announced.

    :param state: ``previous`` or ``next``.
    :raises NotFound: When the account has no such connection.
    :raises Invalid: When there is none.
    """
    connections.check(work, connection_id)
    if not _forget(work, connection_id, state):
        raise Invalid(say("There is no %(state)s key.", state=state))
    _record(work, connection_id, "connection.key_forgotten")


def _where(work: Work, connection_id: str, state: str) -> Any:
    return (
        (ConnectionKey.account_id == work.account_id)
        & (ConnectionKey.connection_id == connection_id)
        & (ConnectionKey.state == state)
    )


def _rename(work: Work, connection_id: str, before: str, after: str) -> None:
    where = _where(work, connection_id, before)
    db.session.execute(update(ConnectionKey).where(where).values(state=after))


def _forget(work: Work, connection_id: str, state: str) -> bool:
    where = _where(work, connection_id, state)
    query = delete(ConnectionKey).where(where).returning(ConnectionKey.id)
    return db.session.scalar(query) is not None


def _record(work: Work, connection_id: str, action: str) -> None:
    states = list(stored(work.account_id, connection_id))
    work.record(action, Target("connection", connection_id), after={"keys": states})
