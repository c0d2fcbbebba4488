"""What an application may want to know of somebody who is signed in."""

from __future__ import annotations

from sqlalchemy import select

from app.access.membership import groups_containing
from app.store.database import db
from app.store.models import Group, UserValue

GROUPS_LIMIT = 500


def primary_email(account_id: str, user_id: str) -> str | None:
    """Return the primary e-mail address of a user, or else the first; None if there is none."""
    query = (
        select(UserValue.value)
        .where(
            UserValue.account_id == account_id,
            UserValue.user_id == user_id,
            UserValue.attribute == "emails",
        )
        .order_by(UserValue.primary.is_(True).desc(), UserValue.position)
    )
    return db.session.scalar(query.limit(1))


def group_names(account_id: str, user_id: str) -> list[str]:
    """Return the names of the groups a user is in, nested ones too, up to ``GROUPS_LIMIT``."""
    inside = groups_containing(account_id, user_id)
    query = (
        select(Group.display_name)
        .where(Group.account_id == account_id, Group.id.in_(select(inside.c.group_id)))
        .order_by(Group.display_name_key, Group.id)
    )
    return list(db.session.scalars(query.limit(GROUPS_LIMIT)))
