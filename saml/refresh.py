"""Metadata at an address, read anew by schedule: a provider's new certificate is known in time.

What cannot be read, or is another provider's, changes nothing: the last good copy stays in use.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from app.directory import connections
from app.directory.connections import ToRead
from app.directory.errors import DirectoryError
from app.directory.work import Actor, Target, record_refusal, transaction
from app.store.types import now
from app.words import say
from saml import setup

log = structlog.get_logger("gatehouse")

EVERY = timedelta(hours=6)
"""How old a copy grows before it is read anew."""
_ACTOR = Actor(type="system", name="metadata refresh", surface="saml")


def refresh_all() -> int:
    """Read the metadata that is due, of every account, and return of how many connections."""
    due = connections.with_metadata_to_read(now() - EVERY)
    for connection in due:
        _refresh(connection)
    return len(due)


def _refresh(connection: ToRead) -> None:
    problem = None
    try:
        # Outside of a transaction: a slow server must not keep the account's writes waiting.
        provider = setup.from_metadata(setup.fetch_metadata(connection.url))
        with transaction(connection.account_id, _ACTOR) as work:
            setup.renew_metadata(work, connection.id, provider)
    except DirectoryError as error:
        problem = str(error)
    except Exception as error:  # one connection's fault must not keep the others from their turn
        log.error("metadata not read", connection=connection.id, exc_info=error)
        problem = say("It could not be read; the server's log says more.")
    is_news = connections.note_check(connection.account_id, connection.id, problem)
    if problem and is_news:
        target = Target("connection", connection.id)
        record_refusal(connection.account_id, _ACTOR, "connection.not_refreshed", problem, target)
