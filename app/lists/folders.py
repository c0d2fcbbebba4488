"""The folders of an account: what lies in one, what is named so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from app.access.folders import paths_of
from app.lists.paging import Order, Page, page_of
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import Folder

BY_NAME = Order("name", Folder.name_key, Folder.id)


def listed(
    account_id: str,
    *,
    parent: str | None = None,
    prefix: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of folders by name.

    :param parent: Only those right in this folder.
    :param prefix: Only those whose name begins so, in any case.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if parent is not None:
        query = query.where(Folder.parent_id == parent)
    if prefix:
        query = query.where(begins_with(Folder.name_key, prefix))
    return page_of(
        query, BY_NAME, lambda rows: _documents(account_id, rows), cursor=cursor, limit=limit
    )


def one(account_id: str, folder_id: str) -> dict[str, Any] | None:
    """Return what is shown of one folder; None where there is none."""
    rows = db.session.execute(_query(account_id).where(Folder.id == folder_id)).all()
    return _documents(account_id, rows)[0] if rows else None


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    inside = aliased(Folder)
    has_folders = exists().where(inside.account_id == account_id, inside.parent_id == Folder.id)
    return select(
        Folder.id,
        Folder.name,
        Folder.name_key,
        Folder.parent_id,
        Folder.restricted,
        Folder.external_id,
        has_folders.label("has_folders"),
        Folder.version,
        Folder.created_at,
        Folder.updated_at,
    ).where(Folder.account_id == account_id)


def _documents(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    paths = paths_of(account_id, [row.id for row in rows])
    shown = ("id", "name", "parent_id", "restricted", "external_id", "has_folders", "version")
    return [
        {name: row._mapping[name] for name in (*shown, "created_at", "updated_at")}
        | {"path": paths[row.id]}
        for row in rows
    ]
