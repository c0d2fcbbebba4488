"""How SQLite goes about the statements of an import, in an account of a certain size."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import select

from app.directory import grants
from app.directory.grants import Principal
from app.directory.work import Actor
from app.store.database import close_database, db
from app.store.models import Group, User
from benchmarks.world import ACTOR, Sizes, World, build
from tests.conftest import make_app, write
from tests.factories import a_custom_role
from tests.imports import counts, imported
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
    tables = {table.name for table in db.metadata.sorted_tables} - {"roles"}  # a handful
    for actor in (ACTOR, ada):
        with plans() as steps:
            done = imported(account, text, actor, groups="exactly")
        assert done.state == "done" and sum(counts(done).values())
        scanned = [step for step in steps if step.removeprefix("SCAN ").split()[0] in tables]
        assert scanned == []
        by_account_alone = [step for step in steps if step.endswith("(account_id=?)")]
        assert by_account_alone == []
