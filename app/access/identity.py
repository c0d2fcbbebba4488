"""What an application may want to know of somebody who is signed in."""

from __future__ import annotations

from sqlalchemy import Select, bindparam, select

from app.access.membership import groups_containing
from app.store.models import Group, UserValue
from app.store.prepared import prepared
from app.store.types import Id

GROUPS_LIMIT = 500


def primary_email(account_id: str, user_id: str) -> str | None:
    """Return the primary e-mail address of a user, or else the first; None if there is none."""
    found: str | None = _emails.scalar(account_id=account_id, user_id=user_id)
    return found


def group_names(account_id: str, user_id: str) -> list[str]:
    """Return the names of the groups a user is in, nested ones too, up to ``GROUPS_LIMIT``."""
    return [row.display_name for row in _groups.all(account_id=account_id, user_id=user_id)]


_ACCOUNT_ID = bindparam("account_id", type_=Id)
_USER_ID = bindparam("user_id", type_=Id)


@prepared
def _emails() -> Select[str | None]:
    """Return the address of :func:`primary_email`."""
    return (
        select(UserValue.value)
        .where(
            UserValue.account_id == _ACCOUNT_ID,
            UserValue.user_id == _USER_ID,
            UserValue.attribute == "emails",
        )
        .order_by(UserValue.primary.is_(True).desc(), UserValue.position)
        .limit(1)
    )


@prepared
def _groups() -> Select[str]:
    """Return the names of :func:`group_names`."""
    inside = groups_containing(_ACCOUNT_ID, _USER_ID)
    return (
        select(Group.display_name)
        .where(Group.account_id == _ACCOUNT_ID, Group.id.in_(select(inside.c.group_id)))
        .order_by(Group.display_name_key, Group.id)
        .limit(GROUPS_LIMIT)
    )
