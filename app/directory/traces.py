"""Failed sign-ins through SAML, kept check by check for some days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from app.directory.errors import NotFound
from app.directory.work import Actor
from app.store.database import db, write_transaction
from app.store.models import SamlTrace
from app.store.types import new_id, now

KEPT = timedelta(days=7)
LISTED = 100
"""How many traces are listed at the most."""
LONGEST_TEXT = 1000


def keep(account_id: str, actor: Actor, reason: str, trace: dict[str, Any]) -> None:
    """Keep the trace of a sign-in that failed.

    :param actor: The connection.
    :param trace: Its ``checks``, ``name_id`` and ``attributes``, of which people are masked.
    """
    row = {
        "account_id": account_id,
        "id": new_id(),
        "connection_id": actor.connection_id,
        "at": now(),
        "request_id": actor.request_id,
        "address": actor.address,
        "reason": reason[:LONGEST_TEXT],
        **trace,
    }
    with write_transaction():
        db.session.execute(insert(SamlTrace), [row])


def listed(
    account_id: str,
    connection_id: str | None = None,
    *,
    number: str | None = None,
    before: str | None = None,
    limit: int = LISTED,
) -> list[Any]:
    """Return traces, the newest first.

    :param connection_id: Only those of this connection; None: of any.
    :param number: Only those under the number that the person was shown.
    :param before: The id of a trace: only older ones, as for the next page.
    :param limit: At most ``LISTED``.
    """
    asked = (
        (connection_id, SamlTrace.connection_id == connection_id),
        (number, SamlTrace.request_id == number),
        (before, SamlTrace.id < (before or "")),
    )
    query = select(SamlTrace.__table__).where(
        SamlTrace.account_id == account_id,
        SamlTrace.at > now() - KEPT,
        *(condition for given, condition in asked if given is not None),
    )
    newest = query.order_by(SamlTrace.id.desc()).limit(min(limit, LISTED))
    return list(db.session.execute(newest))


def find(account_id: str, request_id: str) -> Any:
    """Return the trace under the number that the person was shown.

    :raises NotFound: When the account has none.
    """
    query = select(SamlTrace.__table__).where(
        SamlTrace.account_id == account_id,
        SamlTrace.request_id == request_id,
        SamlTrace.at > now() - KEPT,
    )
    row = db.session.execute(query.order_by(SamlTrace.id.desc()).limit(1)).first()
    if row is None:
        raise NotFound("trace", request_id)
    return row


def forget_old() -> None:
    """Delete the traces that were kept long enough."""
    with write_transaction():
        db.session.execute(delete(SamlTrace).where(SamlTrace.at <= now() - KEPT))
