"""The connection to the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from app.store.database import MIGRATIONS, db, newest_revision, write_transaction
from app.store.models import Account, User
from app.store.types import new_id
from tests.conftest import make_app, write
from tests.factories import an_account
from tests.threads import at_once


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 15_000)],
)
def test_sqlite_keeps_what_it_has_committed(sqlite_app, pragma, value):
    assert db.session.execute(text(f"PRAGMA {pragma}")).scalar() == value


@pytest.fixture
def sqlite_app(tmp_path):
    app = make_app(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_rows_of_no_account_are_refused(app):
    user = {"account_id": new_id(), "id": new_id(), "user_name": "a", "user_name_key": "a"}
    with pytest.raises(IntegrityError) as refusal, write_transaction():
        db.session.execute(insert(User), [user])
    assert user["id"] not in str(refusal.value)  # What is logged says nothing of the row.


def test_a_reader_sees_what_was_committed_before_it_began(account):
    count = select(func.count()).select_from(Account)
    assert db.session.scalar(count) == 1
    db.session.rollback()
    an_account()
    assert db.session.scalar(count) == 2


def test_many_accounts_write_at_once(app):
    ids = [an_account() for _ in range(4)]

    def rename(account_id: str) -> None:
        for number in range(5):
            with write(account_id):
                name = f"{account_id} {number}"
                db.session.execute(
                    Account.__table__.update().where(Account.id == account_id).values(name=name)
                )

    assert at_once(app, [(rename, each) for each in ids]) == [None] * 4
    names = set(db.session.scalars(select(Account.name)))
    assert names == {f"{account_id} 4" for account_id in ids}


def test_readers_do_not_wait_for_a_writer(app, account):
    names = select(Account.name)

    def read() -> list[str]:
        with app.app_context():
            return list(db.session.scalars(names))

    with write(account):
        db.session.execute(
            Account.__table__.update().where(Account.id == account).values(name="Changed")
        )
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(read).result(timeout=5) == ["Acme"]
    assert read() == ["Changed"]


def test_the_newest_revision_is_that_of_the_last_migration():
    script = ScriptDirectory(str(MIGRATIONS))
    assert newest_revision() == script.get_current_head()
