"""Which folders a person sees. What is not shared does not exist for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, exists, or_, select
from sqlalchemy.orm import aliased

from app.access.decisions import account_roles
from app.access.grants import in_force
from app.access.membership import groups_containing
from app.access.permissions import permissions_of
from app.store.database import db
from app.store.models import Folder, FolderClosure, Grant, Role, User
from app.store.types import now

VISIBLE = "folder.view"


@dataclass(frozen=True)
class VisibleFolder:
    id: str
    path: str
    roles: tuple[str, ...]
    """Names of the roles held there, account roles that reach every folder included."""


def folders_visible_to(account_id: str, user_id: str, limit: int = 500) -> list[VisibleFolder]:
    """Return the folders an active user may see, by path, with all roles held on each.

    :param limit: How many folders at the most, the oldest first.
    """
    everywhere = [
        grant.role_name
        for grant in account_roles(account_id, user_id)
        if VISIBLE in grant.permissions
    ]
    shared = _shared(account_id, user_id, now())
    if everywhere:
        some = select(Folder.id).where(Folder.account_id == account_id).order_by(Folder.id)
    else:
        some = select(shared.c.folder_id).distinct().order_by(shared.c.folder_id)
    roles = {each: set(everywhere) for each in db.session.scalars(some.limit(limit))}
    held = select(shared).where(shared.c.folder_id.in_(list(roles)))
    for folder_id, role in db.session.execute(held):
        roles[folder_id].add(role)
    paths = paths_of(account_id, roles)
    visible = [VisibleFolder(each, paths[each], tuple(sorted(roles[each]))) for each in roles]
    return sorted(visible, key=lambda folder: folder.path)


def _shared(account_id: str, user_id: str, at: datetime) -> Subquery:
    """Return a table of (folder_id, role): where a grant with view reaches the user, and its name.

    A role on folders without ``folder.view`` does not make a folder visible.
    """
    groups = groups_containing(account_id, user_id)
    below, barrier = aliased(FolderClosure), aliased(FolderClosure)
    # A restricted folder strictly nearer than the grant cuts it off.
    cut_off = exists().where(
        barrier.account_id == account_id,
        barrier.descendant_id == below.descendant_id,
        barrier.depth < below.depth,
        Folder.account_id == account_id,
        Folder.id == barrier.ancestor_id,
        Folder.restricted.is_(True),
    )
    return (
        select(below.descendant_id.label("folder_id"), Role.name.label("role"))
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .join(User, (User.account_id == Grant.account_id) & (User.id == user_id))
        .join(
            below, (below.account_id == Grant.account_id) & (below.ancestor_id == Grant.folder_id)
        )
        .where(
            Grant.account_id == account_id,
            Grant.role_id.in_(viewing_roles(account_id, "folder")),
            User.active.is_(True),
            or_(Grant.user_id == user_id, Grant.group_id.in_(select(groups.c.group_id))),
            in_force(at),
            ~cut_off,
        )
        .distinct()
        .subquery()
    )


def viewing_roles(account_id: str, scope: str) -> list[str]:
    """Return the ids of the roles that make folders visible.

    :param scope: ``folder``, or ``account``: those that make every folder visible.
    """
    rows = db.session.execute(
        select(Role.id, Role.built_in, Role.permissions).where(
            Role.account_id == account_id, Role.scope == scope
        )
    )
    return [
        row.id
        for row in rows
        if VISIBLE in permissions_of(scope, row.id, row.built_in, row.permissions)
    ]


def paths_of(account_id: str, folder_ids: Iterable[str]) -> dict[str, str]:
    """Return the path of each folder the account has: ``/Brand/2026``; the root is ``/``."""
    wanted = list(folder_ids)
    names: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(wanted), 500):
        rows = db.session.execute(
            select(FolderClosure.descendant_id, Folder.name, Folder.parent_id)
            .join(
                Folder,
                (Folder.account_id == FolderClosure.account_id)
                & (Folder.id == FolderClosure.ancestor_id),
            )
            .where(
                FolderClosure.account_id == account_id,
                FolderClosure.descendant_id.in_(wanted[start : start + 500]),
            )
            .order_by(FolderClosure.depth.desc())
        )
        for descendant_id, name, parent_id in rows:
            names[descendant_id].append("" if parent_id is None else name)
    return {folder_id: "/".join(parts) or "/" for folder_id, parts in names.items()}
