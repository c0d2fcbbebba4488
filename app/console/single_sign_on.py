"""Where the people of an account sign in."""

from __future__ import annotations

from sqlalchemy import select

from app.directory import domains
from app.store.database import db
from app.store.models import Account, Connection
from app.store.types import comparison_key


def single_sign_on_of(who: str) -> str | None:
    """Return the id of the SAML connection for an e-mail address, or for the name of an account.

    An address goes by its domain; an account must have exactly one connection in use. Who is
    unknown, and who has no single sign-on, are the same to the one who asks.
    """
    return domains.connection_of(who) if "@" in who else _only_connection_of(who)


def _only_connection_of(account_name: str) -> str | None:
    query = (
        select(Connection.id)
        .join(Account, Account.id == Connection.account_id)
        .where(
            Account.name_key == comparison_key(account_name),
            Connection.kind == "saml",
            Connection.enabled.is_(True),
        )
        .limit(2)
    )
    found = db.session.scalars(query).all()
    return found[0] if len(found) == 1 else None
