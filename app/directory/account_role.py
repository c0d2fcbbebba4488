"""The one role on the account that a provider gives a user directly."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select, update

from app.directory import grants
from app.directory.work import Work
from app.store.database import db
from app.store.models import Grant, User
from app.store.prepared import prepared
from app.store.types import Id, Word


def assign(work: Work, user_id: str, role_id: str | None) -> bool:
    """Make it this role, or none, and return whether that changed anything.

    Where the user has it already nothing is asked of the actor, so that a provider can send back
    what it has read. Grants of other origins stay.

    :raises NotFound: When the account has no such role.
    :raises Forbidden: When the actor may not give the role, or take back the one there is.
    :raises LastMasterAdmin: When it takes the role from the last master admin.
    """
    held = _held.all(account=work.account_id, user=user_id, origin=work.actor.origin)
    if (held[0].role_id if held else None) == role_id:
        return False
    if role_id is not None:
        grants.give(work, grants.principal_with_id(work.account_id, user_id, "user"), role_id)
    for grant in held:
        if grant.role_id != role_id:
            grants.revoke(work, grant.id)
    # It is a part of the user as a provider sees it, so it counts as a change of the user.
    db.session.execute(
        update(User)
        .where(User.account_id == work.account_id, User.id == user_id)
        .values(version=User.version + 1, updated_at=work.at)
    )
    return True


@prepared
def _held() -> Select[*tuple[Any, ...]]:
    """Return the roles on the account that an actor like this gave a user directly."""
    return (
        select(Grant.id, Grant.role_id)
        .where(
            Grant.account_id == bindparam("account", type_=Id),
            Grant.user_id == bindparam("user", type_=Id),
            Grant.folder_id.is_(None),
            Grant.origin == bindparam("origin", type_=Word),
        )
        .order_by(Grant.id)
    )
