"""The closure of the folder tree: every folder with each of those above it, kept in step."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import aliased

from app.directory.errors import Invalid, NotFound
from app.directory.work import Work
from app.store.database import db
from app.store.models import FolderClosure
from app.words import say

MAX_DEPTH = 64
"""How deep folders may lie under the root."""


def check_room(work: Work, parent_id: str) -> None:
    """Refuse a folder where it would lie too deep.

    :raises NotFound: When the account has no such parent.
    :raises Invalid: When it would.
    """
    if _depth(work, parent_id) >= MAX_DEPTH:
        raise _too_deep()


def add(work: Work, folder_id: str, parent_id: str | None) -> None:
    """Add a new folder to the tree; without a parent, as its root."""
    itself = {
        "account_id": work.account_id,
        "ancestor_id": folder_id,
        "descendant_id": folder_id,
        "depth": 0,
    }
    db.session.execute(insert(FolderClosure), [itself])
    if parent_id is not None:
        _hang(work, folder_id, parent_id)


def move(work: Work, folder_id: str, parent_id: str | None) -> None:
    """Hang a folder, with all that lies in it, under another parent."""
    if parent_id is None:
        raise Invalid(say("Only the root lies in no other folder."), field="parent")
    inside = select(FolderClosure.descendant_id).where(
        FolderClosure.account_id == work.account_id, FolderClosure.ancestor_id == folder_id
    )
    within = inside.where(FolderClosure.descendant_id == parent_id)
    if db.session.scalar(within) is not None:
        raise Invalid(say("A folder cannot lie in itself."), field="parent")
    height = select(func.max(FolderClosure.depth)).where(
        FolderClosure.account_id == work.account_id, FolderClosure.ancestor_id == folder_id
    )
    if _depth(work, parent_id) + 1 + (db.session.scalar(height) or 0) > MAX_DEPTH:
        raise _too_deep()
    db.session.execute(
        delete(FolderClosure).where(
            FolderClosure.account_id == work.account_id,
            FolderClosure.descendant_id.in_(inside),
            FolderClosure.ancestor_id.not_in(inside),
        )
    )
    _hang(work, folder_id, parent_id)


def _hang(work: Work, folder_id: str, parent_id: str) -> None:
    """Add a folder, with all that lies in it, to the closure of everything above its parent."""
    above, below = aliased(FolderClosure), aliased(FolderClosure)
    pairs = select(
        above.account_id,
        above.ancestor_id,
        below.descendant_id,
        above.depth + below.depth + 1,
    ).join_from(
        above,
        below,
        (below.account_id == above.account_id)
        & (above.descendant_id == parent_id)
        & (below.ancestor_id == folder_id),
    )
    pairs = pairs.where(above.account_id == work.account_id)
    columns = ["account_id", "ancestor_id", "descendant_id", "depth"]
    db.session.execute(insert(FolderClosure).from_select(columns, pairs))


def _depth(work: Work, folder_id: str) -> int:
    query = select(FolderClosure.depth).where(
        FolderClosure.account_id == work.account_id, FolderClosure.descendant_id == folder_id
    )
    depth = db.session.scalar(query.order_by(FolderClosure.depth.desc()).limit(1))
    if depth is None:
        raise NotFound("folder", folder_id)
    return depth


def _too_deep() -> Invalid:
    return Invalid(say("Folders may lie %(limit)s levels deep at the most.", limit=MAX_DEPTH))
