"""Inserts that leave rows alone which are there already."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from app.store.database import Base, db


def insert_missing(table: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows, except those whose key another transaction wrote first."""
    if not rows:
        return
    dialect = db.session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    db.session.execute(insert(table).on_conflict_do_nothing(), rows)
