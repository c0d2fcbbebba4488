"""Writes to be previewed in the tests, and the whole database to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

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
