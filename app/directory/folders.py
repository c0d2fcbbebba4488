"""Every write of a folder. The closure is kept in step in the same transaction."""

from __future__ import annotations

from sqlalchemy import insert, literal, select
from sqlalchemy.exc import IntegrityError

from app.directory import bounds
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Folder, FolderClosure
from app.store.types import comparison_key, new_id

MAX_DEPTH = 64
"""How deep folders may lie under the root."""


def create_root(work: Work) -> str:
    """Make the one root folder of a new account and return its id."""
    return _insert(work, None, "/", restricted=False)


def create(work: Work, parent_id: str, name: str, *, restricted: bool = False) -> str:
    """Add a folder and return its id.

    :raises Invalid: When the name is empty, too long, holds a slash, or lies too deep.
    :raises NotFound: When the account has no such parent.
    :raises Taken: When the parent has a folder of this name, in any case.
    """
    name = bounds.required("name", name)
    if "/" in name or name in (".", ".."):
        raise Invalid("A folder's name must not hold a slash.", field="name")
    if _depth(work, parent_id) >= MAX_DEPTH:
        raise Invalid(f"Folders may lie {MAX_DEPTH} levels deep at the most.")
    try:
        folder_id = _insert(work, parent_id, name, restricted=restricted)
    except IntegrityError as error:
        raise Taken(f"There is a folder {name!r} here already.") from error
    work.record(
        "folder.created",
        Target("folder", folder_id, name),
        after={"parent": parent_id, "restricted": restricted},
    )
    return folder_id


def create_path(work: Work, path: str, *, restricted: bool = False) -> str:
    """Add the folder at a path, and those above it that are missing, and return its id.

    :raises Taken: When the folder is there already.
    :raises Invalid: As :func:`create`.
    """
    parts = split_path(path)
    if not parts:
        raise Taken("The root folder is there already.")
    parent_id = root_of(work.account_id)
    for part in parts[:-1]:
        found = child_named(work.account_id, parent_id, part)
        parent_id = found or create(work, parent_id, part)
    return create(work, parent_id, parts[-1], restricted=restricted)


def find_by_path(account_id: str, path: str) -> str:
    """Return the id of the folder at a path such as ``/Brand/2026``; ``/`` is the root.

    :raises NotFound: When the account has no such folder.
    """
    folder_id = root_of(account_id)
    for part in split_path(path):
        found = child_named(account_id, folder_id, part)
        if found is None:
            raise NotFound("folder", path)
        folder_id = found
    return folder_id


def root_of(account_id: str) -> str:
    """Return the id of the account's root folder."""
    query = select(Folder.id).where(Folder.account_id == account_id, Folder.parent_id.is_(None))
    folder_id = db.session.scalar(query)
    if folder_id is None:
        raise NotFound("folder", "/")
    return folder_id


def child_named(account_id: str, parent_id: str, name: str) -> str | None:
    """Return the id of the folder of this name, in any case, right under a parent."""
    query = select(Folder.id).where(
        Folder.account_id == account_id,
        Folder.parent_id == parent_id,
        Folder.name_key == comparison_key(name.strip()),
    )
    return db.session.scalar(query)


def split_path(path: str) -> list[str]:
    """Return the names in a path; slashes at the ends and double ones do not count."""
    return [part for part in path.split("/") if part.strip()]


def _insert(work: Work, parent_id: str | None, name: str, *, restricted: bool) -> str:
    folder_id = new_id()
    row = {
        "account_id": work.account_id,
        "id": folder_id,
        "parent_id": parent_id,
        "name": name,
        "name_key": comparison_key(name),
        "restricted": restricted,
        "created_at": work.at,
        "updated_at": work.at,
    }
    work.access_changed = True  # grants above reach the new folder too
    db.session.execute(insert(Folder), [row])
    itself = {
        "account_id": work.account_id,
        "ancestor_id": folder_id,
        "descendant_id": folder_id,
        "depth": 0,
    }
    db.session.execute(insert(FolderClosure), [itself])
    above = select(
        FolderClosure.account_id,
        FolderClosure.ancestor_id,
        literal(folder_id),
        FolderClosure.depth + 1,
    ).where(FolderClosure.account_id == work.account_id, FolderClosure.descendant_id == parent_id)
    columns = ["account_id", "ancestor_id", "descendant_id", "depth"]
    db.session.execute(insert(FolderClosure).from_select(columns, above))
    return folder_id


def _depth(work: Work, folder_id: str) -> int:
    query = select(FolderClosure.depth).where(
        FolderClosure.account_id == work.account_id, FolderClosure.descendant_id == folder_id
    )
    depth = db.session.scalar(query.order_by(FolderClosure.depth.desc()).limit(1))
    if depth is None:
        raise NotFound("folder", folder_id)
    return depth
