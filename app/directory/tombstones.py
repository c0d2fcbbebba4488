"""What is left of a user, group or folder that was deleted. It is brought back by ``restoring``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.store.database import db, write_transaction
from app.store.models import Folder, Group, Tombstone, User
from app.store.types import now

KEPT = timedelta(days=30)
"""How long all it takes to bring something back is kept."""
MEMBERS_KEPT = 100_000
"""Of how many members of a group it is kept that they were in it."""
FORGOTTEN_AT_ONCE = 500
TABLES: dict[str, type[User] | type[Group] | type[Folder]] = {
    "user": User,
    "group": Group,
    "folder": Folder,
}
_PROVISIONED = ("version", "created_at", "origin", "connection_id", "undeclared")
_COLUMNS = {"user": _PROVISIONED, "group": _PROVISIONED, "folder": ("version", "created_at")}


def bury(work: Work, target: Target, content: dict[str, Any]) -> None:
    """Keep what a user, group or folder is that is about to be deleted, and its id for ever.

    :param content: Its ``profile``, and what hangs on it: ids of ``members`` and ``groups``,
        ``grants`` given by hand (see ``kept_grants``).
    """
    table = TABLES[target.type]
    columns = [table.__table__.c[name] for name in _COLUMNS[target.type]]
    where = (table.account_id == work.account_id) & (table.id == target.id)
    stored = dict(db.session.execute(select(*columns).where(where)).one()._mapping)
    stored["created_at"] = stored["created_at"].isoformat()
    row = {
        "account_id": work.account_id,
        "id": target.id,
        "type": target.type,
        "name": target.name,
        "content": content | {"columns": stored},
        "deleted_by": work.actor.name,
        "deleted_at": work.at,
        "forget_at": work.at + KEPT,
    }
    db.session.execute(insert(Tombstone), [row])


def members_kept(ids: Iterable[str]) -> dict[str, Any]:
    """Return the content that says who was in a group, bounded."""
    every = sorted(ids)
    content: dict[str, Any] = {"members": every[:MEMBERS_KEPT]}
    if len(every) > MEMBERS_KEPT:
        content["members_left_out"] = len(every) - MEMBERS_KEPT
    return content


def take(work: Work, id_: str) -> Any:
    """Return the row of a tombstone and remove it, as what it is of comes back.

    :raises NotFound: When the account has none of this id, or it is forgotten what it was.
    """
    where = (Tombstone.account_id == work.account_id) & (Tombstone.id == id_)
    row = db.session.execute(select(Tombstone.__table__).where(where)).first()
    if row is None or row.content is None:
        raise NotFound("deleted user, group or folder", id_)
    db.session.execute(delete(Tombstone).where(where))
    return row


def forget_old() -> None:
    """Forget what was deleted long enough ago: only ids, kinds and times stay."""
    due = select(Tombstone.account_id, Tombstone.id).where(Tombstone.forget_at <= now())
    while True:
        with write_transaction():
            rows = db.session.execute(due.limit(FORGOTTEN_AT_ONCE)).all()
            for row in rows:
                this = (Tombstone.account_id == row.account_id) & (Tombstone.id == row.id)
                emptied = {"name": "", "content": None, "forget_at": None}
                db.session.execute(update(Tombstone).where(this).values(emptied))
        if len(rows) < FORGOTTEN_AT_ONCE:
            return
