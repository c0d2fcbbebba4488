"""Steps of a migration that stop nobody from working, however large a table is."""

from __future__ import annotations

from typing import Any

from alembic import op


def create_index(name: str, table: str, columns: list[Any], **options: Any) -> None:
    """Create an index; on PostgreSQL while others write (``CREATE INDEX CONCURRENTLY``).

    It may take hours there, and takes no lock that others wait for. What is left of a try that was
    interrupted is dropped first.
    """
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, table, columns, **options)
        return
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # It waits for those who write now, and stops nobody.
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute("SET lock_timeout = '2s'")
