"""Grants given by hand, kept with what was deleted, and given again when it comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.directory import delegation, grants
from app.directory.members import chunks
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Folder, Grant, Group, Role, User

_KEPT = ("id", "user_id", "group_id", "role_id", "folder_id", "granted_by", "reason", "external_id")
_TIMES = ("not_before", "expires_at")


def kept(revoked: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is kept of grants that go: all it takes to give those again that were by hand."""
    return [
        {name: grant[name] for name in _KEPT}
        | {name: grant[name] and grant[name].isoformat() for name in _TIMES}
        for grant in revoked
        if grant["origin"] == "manual"
    ]


def give_again(work: Work, content: list[dict[str, Any]]) -> int:
    """Give grants again under their ids, and return how many: those whose all is still there.

    :param content: As :func:`kept` returned it.
    :raises Forbidden: When the actor may not give one of them.
    """
    roles = _rows(work, Role, {each["role_id"] for each in content})
    on_folders = _rows(work, Folder, {each["folder_id"] for each in content} - {None})
    holders = {
        type_: _rows(work, table, {each[f"{type_}_id"] for each in content} - {None})
        for type_, table in (("user", User), ("group", Group))
    }
    there = _given_already(work, {each["folder_id"] for each in content} - {None})
    gifts = []
    for grant in content:
        type_ = "user" if grant["user_id"] else "group"
        holder = holders[type_].get(grant[f"{type_}_id"])
        folder_gone = grant["folder_id"] is not None and grant["folder_id"] not in on_folders
        if holder is None or folder_gone or grant["role_id"] not in roles:
            continue
        if (holder.id, grant["role_id"], grant["folder_id"]) in there:
            continue  # such as to the person who brings a restricted folder back
        delegation.check_gift(work, roles[grant["role_id"]], grant["folder_id"])
        name = holder.user_name if type_ == "user" else holder.display_name
        gifts.append((Target(type_, holder.id, name), _columns(grant)))
    return len(grants.insert_new(work, gifts))


def _columns(grant: dict[str, Any]) -> dict[str, Any]:
    times = {name: grant[name] and datetime.fromisoformat(grant[name]) for name in _TIMES}
    return grant | times | {"origin": "manual", "mapping_id": None}


def _rows(work: Work, table: Any, ids: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for chunk in chunks(ids):
        query = select(table.__table__).where(
            table.account_id == work.account_id, table.id.in_(chunk)
        )
        found |= {row.id: row for row in db.session.execute(query)}
    return found


def _given_already(work: Work, folder_ids: Iterable[str]) -> set[tuple[str, str, str]]:
    """Return the grants by hand there are on folders: holder, role, folder."""
    found = set()
    for chunk in chunks(folder_ids):
        query = select(Grant.user_id, Grant.group_id, Grant.role_id, Grant.folder_id).where(
            Grant.account_id == work.account_id,
            Grant.folder_id.in_(chunk),
            Grant.origin == "manual",
        )
        for row in db.session.execute(query):
            found.add((row.user_id or row.group_id, row.role_id, row.folder_id))
    return found
