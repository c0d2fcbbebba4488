"""Which folders a person sees. What is not shared does not exist for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select
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
    """Return the folders an active user may see, by path, with the roles held on each.

    :param limit: How many folders at the most.
    """
    everywhere = [
        grant.role_name
        for grant in account_roles(account_id, user_id)
        if VISIBLE in grant.permissions
    ]
    found: dict[str, set[str]] = defaultdict(set)
    if everywhere:
        every = select(Folder.id).where(Folder.account_id == account_id).limit(limit)
        for folder_id in db.session.scalars(every):
            found[folder_id].update(everywhere)
    for folder_id, role_name in _granted(account_id, user_id, now(), limit):
        found[folder_id].add(role_name)
    paths = paths_of(account_id, found)
    visible = [
        VisibleFolder(folder_id, paths[folder_id], tuple(sorted(roles)))
        for folder_id, roles in found.items()
    ]
    return sorted(visible, key=lambda folder: folder.path)[:limit]


def _granted(account_id: str, user_id: str, at: datetime, limit: int) -> list[tuple[str, str]]:
    """Return (folder, role name) for each folder a grant of the user reaches."""
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
    rows = db.session.execute(
        select(below.descendant_id, Grant.role_id, Role.name, Role.built_in, Role.permissions)
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .join(User, (User.account_id == Grant.account_id) & (User.id == user_id))
        .join(
            below, (below.account_id == Grant.account_id) & (below.ancestor_id == Grant.folder_id)
        )
        .where(
            Grant.account_id == account_id,
            User.active.is_(True),
            or_(Grant.user_id == user_id, Grant.group_id.in_(select(groups.c.group_id))),
            in_force(at),
            ~cut_off,
        )
        .distinct()
        .limit(limit * 8)
    )
    return [
        (row.descendant_id, row.name)
        for row in rows
        if VISIBLE in permissions_of("folder", row.role_id, row.built_in, row.permissions)
    ]


def paths_of(account_id: str, folder_ids: Iterable[str]) -> dict[str, str]:
    """Return the path of each folder, such as ``/Brand/2026``; the root is ``/``."""
    wanted = list(folder_ids)
    names: dict[str, list[str]] = {folder_id: [] for folder_id in wanted}
    for start in range(0, len(wanted), 500):
        rows = db.session.execute(
            select(FolderClosure.descendant_id, Folder.name)
            .join(
                Folder,
                (Folder.account_id == FolderClosure.account_id)
                & (Folder.id == FolderClosure.ancestor_id),
            )
            .where(
                FolderClosure.account_id == account_id,
                FolderClosure.descendant_id.in_(wanted[start : start + 500]),
                Folder.parent_id.is_not(None),
            )
            .order_by(FolderClosure.depth.desc())
        )
        for descendant_id, name in rows:
            names[descendant_id].append(name)
    return {folder_id: "/" + "/".join(parts) for folder_id, parts in names.items()}
