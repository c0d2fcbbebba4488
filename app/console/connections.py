"""Where the people of an account sign in."""

from __future__ import annotations

from sqlalchemy import select

from app.store.database import db
from app.store.models import Account, Connection
from app.store.types import comparison_key


def single_sign_on_of(account_name: str) -> str | None:
    """Return the id of the account's SAML connection in use, if it has exactly one.

    An unknown account, and one without single sign-on, are the same to the one who asks.
    """
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
