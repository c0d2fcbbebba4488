"""Writes to be previewed in the tests, and the whole database to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.access.difference import Difference
from app.directory.preview import Preview, preview
from app.directory.work import Actor
from app.store.database import db
from tests.conftest import CLI_ACTOR


def everything() -> dict[str, list[Any]]:
    """Every row of every table."""
    db.session.rollback()
    return {
        table.name: db.session.execute(select(table).order_by(*table.primary_key)).all()
        for table in db.metadata.sorted_tables
    }


def seen(
    account_id: str, write_: Callable[..., Any], *args: Any, actor: Actor = CLI_ACTOR, **options
) -> Preview[Any]:
    """Preview a write, and see that nothing is written."""
    before = everything()
    found = preview(account_id, actor, lambda work: write_(work, *args, **options))
    assert everything() == before
    return found


def told(found: Difference) -> dict[str, tuple[list[str], list[str]]]:
    """What each user gains and loses, in words, by user name."""
    return {
        change.user_name: (
            words(change.gained_roles, change.gained_folders),
            words(change.lost_roles, change.lost_folders),
        )
        for change in found.changes
    }


def words(roles: Any, visible: Any) -> list[str]:
    return sorted(roles) + [f"{each.path}: {', '.join(each.roles)}" for each in visible]
