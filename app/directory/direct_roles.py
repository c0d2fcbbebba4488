"""Roles that an assertion names itself, up to what its connection may give.

A role that exists and is beyond that is refused with the whole sign-in: somebody at the provider
reaches for more than was agreed. A name that stands for nothing here gives nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select

from app.directory import delegation, folders, grants, roles
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.work import Work
from app.store.database import db
from app.store.models import Grant, Role
from app.words import say

FOLDERS_LIMIT = 100
"""Most folders one assertion may name."""
WITHOUT_ROLE = "viewer"
"""The role on a folder that is named alone."""

FolderRole = tuple[str, str]
"""The id of a folder and that of a role on it."""


def agreed(work: Work, names: Iterable[str], before: Collection[str]) -> tuple[str, ...]:
    """Return the ids of the roles that a connection is to be allowed to give at the most.

    :param names: Names in any case, or ids.
    :param before: Ids of those it may give so far.
    :raises Invalid: When there is no such role.
    :raises Forbidden: When the actor does not hold, everywhere, what a role permits that is added
        or left out: by an attribute somebody at the provider could give it to them.
    """
    wanted = tuple(sorted(roles.named(work.account_id, names)))
    changed = set(wanted) ^ set(before)
    query = select(Role.__table__).where(Role.account_id == work.account_id, Role.id.in_(changed))
    for role in db.session.execute(query.order_by(Role.id)):
        delegation.check_gift_anywhere(work, role)
    return wanted


def account_role_named(work: Work, name: str, may_give: Collection[str]) -> str | None:
    """Return the id of the account role of this name; None when there is none.

    :raises Forbidden: When it is beyond what may be given.
    """
    return _role(work, "account", name, may_give) if name else None


def folder_roles_named(
    work: Work, values: Collection[str], may_give: Collection[str]
) -> set[FolderRole]:
    """Return the roles on folders that values such as ``editor:/Brand`` or ``/Brand`` name.

    :raises Forbidden: When one is beyond what may be given, or there are too many.
    """
    if len(values) > FOLDERS_LIMIT:
        raise Forbidden(say("it names more than %(limit)s folders", limit=FOLDERS_LIMIT))
    found = set()
    for value in values:
        role, _, path = value.partition(":") if not value.startswith("/") else ("", "", value)
        role_id = _role(work, "folder", role.strip() or WITHOUT_ROLE, may_give)
        folder_id = _folder(work, path.strip())  # an empty path would be the root: everything
        if role_id and folder_id:
            found.add((folder_id, role_id))
    return found


def set_on_folders(work: Work, user_id: str, wanted: Iterable[FolderRole]) -> None:
    """Make a user's roles on folders of this origin exactly these; those of others stay."""
    query = select(Grant.id, Grant.folder_id, Grant.role_id).where(
        Grant.account_id == work.account_id,
        Grant.user_id == user_id,
        Grant.folder_id.is_not(None),
        Grant.origin == work.actor.origin,
    )
    held = {(row.folder_id, row.role_id): row.id for row in db.session.execute(query)}
    missing = sorted(set(wanted) - held.keys())
    if missing:
        principal = grants.principal_with_id(work.account_id, user_id, "user")
        for folder_id, role_id in missing:
            grants.give(work, principal, role_id, folder_id)
    for key in sorted(held.keys() - set(wanted)):
        grants.revoke(work, held[key])


def _role(work: Work, scope: str, name: str, may_give: Collection[str]) -> str | None:
    try:
        role_id = roles.find(work.account_id, scope, name)
    except Invalid:
        return None
    if role_id not in may_give:
        raise Forbidden(
            say("it names the role %(role)r, which this connection may not give", role=name[:200])
        )
    return role_id


def _folder(work: Work, path: str) -> str | None:
    if not path.startswith("/") or not path.strip("/ "):
        return None
    try:
        return folders.find_by_path(work.account_id, path)
    except (NotFound, Invalid):
        return None
