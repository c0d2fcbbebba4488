"""How SQLite goes about the statements of an import, in an account of a certain size."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import select

from app.directory import grants, operations
from app.directory.grants import Principal
from app.directory.imports import run
from app.directory.work import Actor
from app.store.database import close_database, db
from app.store.models import Group, User
from benchmarks.world import ACTOR, Sizes, World, build
from tests.conftest import make_app, write
from tests.factories import a_custom_role
from tests.imports import begin
from tests.inspection import plans

SIZES = Sizes(users=2_000, groups=200, folders=2_000, grants=10_000, events=100)


@pytest.fixture
def world(tmp_path, sqlite_template) -> World:
    path = shutil.copy(sqlite_template, tmp_path / "world.sqlite3")
    with make_app(f"sqlite:///{path}").app_context():
        yield build(SIZES)
        close_database()


def test_no_step_of_an_import_reads_a_table_from_end_to_end(world):
    """Nor the rows of the account: by somebody who holds less than most groups give."""
    account = world.account_id
    role = a_custom_role(account, "account", ["user.manage", "group.manage"])
    with write(account, ACTOR) as work:
        grants.give(work, Principal("user", world.users[0], "ada"), role)
    ada = Actor(type="user", id=world.users[0], name="ada", surface="console")
    names = db.session.execute(select(User.user_name).limit(50)).scalars().all()
    titles = db.session.execute(select(Group.display_name).limit(20)).scalars().all()
    text = "userName,title,externalId,groups\n"
    text += "".join(f"{name},Tester,X{name},New;{titles[0]}\n" for name in names)
    text += "".join(f"new{number},Tester,,{title}\n" for number, title in enumerate(titles))
    # Of roles there are a handful; of the folders a quarter is asked about, which here are few.
    tables = {table.name for table in db.metadata.sorted_tables} - {"roles", "folders"}
    for actor in (ACTOR, ada):
        operation_id = begin(account, text, actor, groups="exactly")
        with plans() as steps:
            operation = operations.claim(account, operation_id)
            assert operation is not None
            run.carry_on(operation)
        assert operation.counts["refused"] < len(names) + len(titles)
        scanned = [step for step in steps if step.removeprefix("SCAN ").split()[0] in tables]
        assert scanned == []
        by_account_alone = [step for step in steps if step.endswith("(account_id=?)")]
        assert by_account_alone == []
