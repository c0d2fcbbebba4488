"""Every write of a folder. The closure is kept in step in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping as Columns
from dataclasses import asdict, dataclass
from dataclasses import replace as replaced
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.access.folders import paths_of
from app.directory import bounds, grants, mappings, tombstones, tree
from app.directory.errors import (
    Forbidden,
    Invalid,
    NotEmpty,
    NotFound,
    Taken,
    VersionMismatch,
)
from app.directory.kept_grants import kept
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Folder, FolderClosure, Grant, Mapping
from app.store.types import comparison_key, new_id
from app.words import say


@dataclass(frozen=True)
class FolderProfile:
    """All that is known of a folder."""

    name: str
    parent_id: str | None
    """None for the root alone."""
    restricted: bool = False
    external_id: str | None = None


@dataclass(frozen=True)
class ListedFolder:
    """A folder as people see it."""

    id: str
    path: str
    restricted: bool


def create_root(work: Work) -> str:
    """Make the one root folder of a new account and return its id."""
    profile = FolderProfile("/", None)
    folder_id = _insert(work, profile)
    work.record("folder.created", Target("folder", folder_id, "/"), after=_snapshot(profile))
    return folder_id


def create(
    work: Work,
    parent_id: str,
    name: str,
    *,
    restricted: bool = False,
    external_id: str | None = None,
) -> str:
    """Add a folder and return its id.

    :raises Invalid: When the name is empty, too long, holds a slash, or lies too deep.
    :raises NotFound: When the account has no such parent.
    :raises Taken: When the parent has a folder of this name, in any case.
    """
    return create_again(work, FolderProfile(name, parent_id, restricted, external_id), {})


def create_again(work: Work, profile: FolderProfile, columns: Columns[str, Any]) -> str:
    """Add a folder with its id and other columns, as one that is brought back has them.

    Raises what :func:`create` does.
    """
    profile = _cleaned(profile)
    tree.check_room(work, str(profile.parent_id))
    try:
        folder_id = _insert(work, profile, columns)
    except IntegrityError as error:
        raise _taken(profile.name) from error
    work.record(
        "folder.created", Target("folder", folder_id, profile.name), after=_snapshot(profile)
    )
    if profile.restricted:
        grants.keep_manager(work, folder_id)
    return folder_id


def replace(
    work: Work, folder_id: str, profile: FolderProfile, *, expected_version: int | None = None
) -> bool:
    """Rename, move, restrict or open a folder, and return whether that changed anything.

    :raises NotFound: When the account has no such folder, or no such parent.
    :raises VersionMismatch: When the folder is not at ``expected_version``.
    :raises Invalid: As :func:`create`, or when it would come to lie in itself.
    :raises Taken: When there is a folder of this name already.
    :raises Forbidden: When it is the root and would be renamed, moved or restricted.
    """
    stored = _stored(work, folder_id, expected_version)
    profile = _cleaned(profile) if stored.parent_id else _cleaned_root(profile)
    if profile == stored:
        return False
    place = (stored.parent_id, stored.restricted)
    work.access_changed |= (profile.parent_id, profile.restricted) != place
    if profile.parent_id != stored.parent_id:
        tree.move(work, folder_id, profile.parent_id)
    try:
        db.session.execute(
            update(Folder)
            .where(Folder.account_id == work.account_id, Folder.id == folder_id)
            .values(**_columns(profile), version=Folder.version + 1, updated_at=work.at)
        )
    except IntegrityError as error:
        raise _taken(profile.name) from error
    work.record(
        "folder.updated",
        Target("folder", folder_id, profile.name),
        before=_snapshot(stored),
        after=_snapshot(profile),
    )
    if profile.restricted and not stored.restricted:
        grants.keep_manager(work, folder_id)
    return True


def delete(work: Work, folder_id: str, *, expected_version: int | None = None) -> None:
    """Remove a folder that holds no other, with the grants and mappings on it.

    For a while it can be brought back (see ``restoring``).

    :raises NotFound: When the account has no such folder.
    :raises VersionMismatch: When the folder is not at ``expected_version``.
    :raises NotEmpty: When there are folders in it.
    :raises Forbidden: When it is the root, or a provider would take away what it did not give.
    """
    stored = _stored(work, folder_id, expected_version)
    if stored.parent_id is None:
        raise _root_stays()
    if work.actor.origin != "manual":
        _refuse_to_take_others_grants(work, folder_id)
    inside = select(Folder.id).where(
        Folder.account_id == work.account_id, Folder.parent_id == folder_id
    )
    if db.session.scalar(inside.limit(1)) is not None:
        raise NotEmpty(
            say("There are folders in %(name)r. Move or delete them first.", name=stored.name)
        )
    work.access_changed = True
    on_it = {"grants": _count_on(work, folder_id, Grant)}
    on_it["mappings"] = _count_on(work, folder_id, Mapping)
    target = Target("folder", folder_id, stored.name)
    content = {"profile": asdict(stored), "mappings": mappings.delete_on_folder(work, folder_id)}
    content["grants"] = kept(grants.revoke_on_folder(work, folder_id))
    tombstones.bury(work, target, content)
    db.session.execute(
        sql_delete(Folder).where(Folder.account_id == work.account_id, Folder.id == folder_id)
    )
    work.record("folder.deleted", target, before=_snapshot(stored) | on_it)


def _refuse_to_take_others_grants(work: Work, folder_id: str) -> None:
    """Refuse a provider to delete a folder with grants or mappings that did not come from it."""
    others = select(Grant.id).where(
        Grant.account_id == work.account_id,
        Grant.folder_id == folder_id,
        Grant.origin != work.actor.origin,
    )
    by_hand = db.session.scalar(others.limit(1)) is not None
    if by_hand or _count_on(work, folder_id, Mapping):
        raise Forbidden(
            say(
                "There are grants or mappings on this folder that did not come from the provider: "
                "only an administrator deletes it."
            )
        )


def create_path(work: Work, path: str, *, restricted: bool = False) -> str:
    """Add the folder at a path, and those above it that are missing, and return its id.

    :raises Taken: When the folder is there already.
    :raises Invalid: As :func:`create`.
    """
    parts = split_path(path)
    if not parts:
        raise Taken(say("The root folder is there already."))
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


def listed(account_id: str, folder_id: str) -> list[ListedFolder]:
    """Return a folder with all that lie in it, each after the one it lies in."""
    query = (
        select(Folder.id, Folder.restricted)
        .join(
            FolderClosure,
            (FolderClosure.account_id == Folder.account_id)
            & (FolderClosure.descendant_id == Folder.id),
        )
        .where(Folder.account_id == account_id, FolderClosure.ancestor_id == folder_id)
    )
    rows = db.session.execute(query).all()
    paths = paths_of(account_id, [row.id for row in rows])
    found = [ListedFolder(row.id, paths[row.id], row.restricted) for row in rows]
    return sorted(found, key=lambda folder: split_path(folder.path))


def split_path(path: str) -> list[str]:
    """Return the names in a path; slashes at the ends and double ones do not count."""
    return [part for part in path.split("/") if part.strip()]


def profile_of(account_id: str, folder_id: str) -> FolderProfile:
    """Return what is known of a folder.

    :raises NotFound: When the account has no such folder.
    """
    query = select(Folder.__table__).where(Folder.account_id == account_id, Folder.id == folder_id)
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("folder", folder_id)
    return FolderProfile(row.name, row.parent_id, row.restricted, row.external_id)


def _count_on(work: Work, folder_id: str, table: type[Grant] | type[Mapping]) -> int:
    query = select(func.count()).where(
        table.account_id == work.account_id, table.folder_id == folder_id
    )
    return db.session.scalar(query) or 0


def _stored(work: Work, folder_id: str, expected_version: int | None) -> FolderProfile:
    profile = profile_of(work.account_id, folder_id)
    version = select(Folder.version).where(
        Folder.account_id == work.account_id, Folder.id == folder_id
    )
    if expected_version is not None and db.session.scalar(version) != expected_version:
        raise VersionMismatch
    return profile


def _cleaned_root(profile: FolderProfile) -> FolderProfile:
    """Return the profile of the root, of which only the external id can change."""
    if (profile.name, profile.parent_id, profile.restricted) != ("/", None, False):
        raise _root_stays()
    return replaced(profile, external_id=bounds.optional("externalId", profile.external_id))


def _cleaned(profile: FolderProfile) -> FolderProfile:
    name = bounds.required("name", profile.name)
    if "/" in name or name in (".", ".."):
        raise Invalid(say("A folder's name must not hold a slash."), field="name")
    external_id = bounds.optional("externalId", profile.external_id)
    return FolderProfile(name, profile.parent_id, profile.restricted, external_id)


def _columns(profile: FolderProfile) -> dict[str, Any]:
    return {
        "parent_id": profile.parent_id,
        "name": profile.name,
        "name_key": comparison_key(profile.name),
        "restricted": profile.restricted,
        "external_id": profile.external_id,
    }


def _snapshot(profile: FolderProfile) -> dict[str, Any]:
    snapshot: dict[str, Any] = {
        "name": profile.name,
        "parent": profile.parent_id,
        "restricted": profile.restricted,
    }
    return (
        snapshot if profile.external_id is None else snapshot | {"external_id": profile.external_id}
    )


def _taken(name: str) -> Taken:
    return Taken(say("There is a folder %(name)r here already.", name=name))


def _root_stays() -> Forbidden:
    return Forbidden(say("The root folder stays as it is."))


def _insert(work: Work, profile: FolderProfile, columns: Columns[str, Any] | None = None) -> str:
    row = {
        "account_id": work.account_id,
        "id": new_id(),
        **_columns(profile),
        "created_at": work.at,
        "updated_at": work.at,
        **(columns or {}),
    }
    folder_id = str(row["id"])
    work.access_changed = True  # grants above reach the new folder too
    db.session.execute(insert(Folder), [row])
    tree.add(work, folder_id, profile.parent_id)
    return folder_id
