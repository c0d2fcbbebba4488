"""What is set of an account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.store.database import db
from app.store.models import Account

SHOWN = ("id", "name", "requires_saml", "requires_second_factor", "keeps_unknown", "created_at")


def one(account_id: str) -> dict[str, Any]:
    """Return what is shown of an account that there is."""
    columns = [getattr(Account, name) for name in SHOWN]
    row = db.session.execute(select(*columns).where(Account.id == account_id)).one()
    return dict(row._mapping)
