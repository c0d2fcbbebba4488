"""How SQLite goes about the statements that decide: by an index, from what is asked about.

It plans by what ``ANALYZE`` found of the tables, so the account must have a certain size.
"""

from __future__ import annotations

import shutil

import pytest

from app.access import matrix
from app.access.decisions import check, check_many, is_allowed
from app.access.difference import access_of
from app.access.explanation import explain
from app.access.folders import VISIBLE, folders_visible_to
from app.access.grants import grants_held
from app.access.who import who_can
from app.store.database import close_database, db
from app.store.types import now
from benchmarks.world import Sizes, World, build
from tests.conftest import make_app
from tests.inspection import plans

SIZES = Sizes(users=2_000, groups=200, folders=2_000, grants=10_000, events=100)


@pytest.fixture
def world(tmp_path, sqlite_template) -> World:
    path = shutil.copy(sqlite_template, tmp_path / "world.sqlite3")
    with make_app(f"sqlite:///{path}").app_context():
        yield build(SIZES)
        close_database()


def test_no_decision_reads_a_table_from_end_to_end(world):
    account, user, folder = world.account_id, world.users[7], world.folders[-1]
    tables = {table.name for table in db.metadata.sorted_tables} - {"roles"}  # a handful
    for ask in (
        lambda: check(account, user, "asset.edit", folder),
        lambda: check(account, user, "user.view", None),
        lambda: is_allowed(account, user, "asset.edit", folder),
        lambda: is_allowed(account, "nobody@example.com", "user.view", None),
        lambda: check_many(account, [(each, VISIBLE, folder) for each in world.users[:50]]),
        lambda: explain(account, user, "asset.edit", folder),
        lambda: grants_held(account, user, now()),
        lambda: folders_visible_to(account, user),
        lambda: who_can(account, "asset.edit", folder),
        lambda: access_of(account, world.users[:5], [folder]),
        lambda: matrix.cells(account, world.groups[:40], world.folders[:20]),
        lambda: matrix.reasons(account, world.groups[7], folder),
    ):
        with plans() as steps:
            ask()
        assert steps
        assert [step for step in steps if step.removeprefix("SCAN ").split()[0] in tables] == []
        # To make such a filter, too, a table is read from end to end.
        assert [step for step in steps if step.startswith("BLOOM FILTER ON")] == []
