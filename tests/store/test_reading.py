"""The connection a thread reads with, by prepared statements."""

import gc
import sqlite3
import threading
from contextlib import suppress

import psycopg
import pytest
from sqlalchemy import Select, bindparam, select, text, update
from sqlalchemy.exc import DBAPIError

from app.store.database import db, savepoint, write_transaction
from app.store.driver import close_left
from app.store.models import Account, User
from app.store.prepared import prepared
from app.store.reading import here, reading
from app.store.types import Id
from tests.conftest import write
from tests.factories import a_user
from tests.inspection import row


@prepared
def _name() -> Select[str]:
    return select(Account.name).where(Account.id == bindparam("id", type_=Id))


@prepared
def _rename():
    return (
        Account.__table__.update()
        .where(Account.__table__.c.id == bindparam("id", type_=Id))
        .values(name="Other")
    )


def test_it_is_kept_from_one_read_to_the_next(account):
    assert _name.scalar(id=account) == "Acme"
    first = here().connection
    assert _name.scalar(id=account) == "Acme"
    assert here().connection is first


def test_each_thread_has_its_own(app, account):
    seen = []

    def read():
        with app.app_context():
            seen.append((_name.scalar(id=account), here().connection))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen[0][0] == "Acme"
    assert seen[0][1] is not here().connection


def test_it_ends_after_its_thread(app, account):
    """Pushing to a receiver takes a thread each time: the server would run out of connections.
    It is not closed while its thread ends: that ended the whole process, with SQLite's functions.
    """
    seen = []

    def read():
        with app.app_context():
            assert _name.scalar(id=account) == "Acme"
            seen.append(here().connection)

    gc.disable()
    try:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        seen[0].execute("SELECT 1")
        close_left()
        with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
            seen[0].execute("SELECT 1")
    finally:
        gc.enable()


def test_a_write_within_another_one_is_refused(account):
    """It would keep what it does itself, undo what was done before, and not know of the rest."""
    with pytest.raises(RuntimeError, match="within another"), write_transaction():
        _rename.run(id=account)
        with write_transaction():
            pass
    assert _name.scalar(id=account) == "Acme"


def test_a_refused_write_within_another_one_leaves_that_one_whole(account):
    with pytest.raises(ValueError), write_transaction():
        with suppress(RuntimeError), write_transaction():
            pass
        _rename.run(id=account)
        raise ValueError
    assert _name.scalar(id=account) == "Acme"


def test_within_a_write_it_is_that_of_the_write(account):
    with write(account):
        _rename.run(id=account)
        assert _name.scalar(id=account) == "Other"
        assert db.session.scalar(select(Account.name)) == "Other"
    assert _name.scalar(id=account) == "Other"


def test_what_was_written_goes_with_the_transaction(account):
    with pytest.raises(ZeroDivisionError), write_transaction():
        _rename.run(id=account)
        1 / 0  # noqa: B018
    assert _name.scalar(id=account) == "Acme"


def test_what_was_written_goes_with_the_savepoint(account):
    with write_transaction():
        with pytest.raises(ZeroDivisionError), savepoint():
            _rename.run(id=account)
            1 / 0  # noqa: B018
        assert _name.scalar(id=account) == "Acme"
    assert _name.scalar(id=account) == "Acme"


def test_reads_together_see_one_state(app, account):
    # On PostgreSQL each statement sees what is committed when it begins.
    seen_later = "Acme" if here().kind == "sqlite" else "Other"
    with reading():
        assert _name.scalar(id=account) == "Acme"

        def rename():
            with app.app_context(), write_transaction():
                _rename.run(id=account)

        thread = threading.Thread(target=rename)
        thread.start()
        thread.join()
        assert _name.scalar(id=account) == seen_later
    assert _name.scalar(id=account) == "Other"


def test_one_that_was_lost_is_replaced(account):
    assert _name.scalar(id=account) == "Acme"
    lost = here().connection
    if here().kind == "sqlite":
        assert not here().is_lost  # There is no server to lose.
        return
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": lost.info.backend_pid})
    assert _name.scalar(id=account) == "Acme"
    assert here().connection is not lost


def test_it_never_serves_a_session(account):
    assert _name.scalar(id=account) == "Acme"
    own = here().connection
    a_user(account, "ada")
    assert db.session.connection().connection.dbapi_connection is not own


@pytest.mark.parametrize("kept", [True, False])
def test_in_a_write_the_session_and_prepared_statements_share_a_transaction(account, kept):
    with suppress(ZeroDivisionError), write_transaction():
        _rename.run(id=account)
        key = {"name_key": "other"}
        db.session.execute(update(Account).where(Account.name == "Other").values(key))
        assert db.session.connection().connection.dbapi_connection is here().connection
        _ = kept or 1 / 0
    assert not db.session.registry.has() or not db.session().in_transaction()
    expected = ("Other", "other") if kept else ("Acme", "acme")
    assert (row(Account).name, row(Account).name_key) == expected


def test_a_write_that_the_session_gives_up_writes_nothing(account):
    with write_transaction():
        _rename.run(id=account)
        db.session.execute(select(Account.id))
        db.session.rollback()
    assert _name.scalar(id=account) == "Acme"


def test_a_write_begins_on_a_new_connection_where_one_was_lost(account):
    with write(account):
        lost = here().connection
    if here().kind == "sqlite":
        return  # There is no server to lose.
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": lost.info.backend_pid})
    a_user(account, "ada")
    assert row(User).user_name == "ada"


def test_what_cannot_be_kept_is_an_error_of_sqlalchemy(account):
    with pytest.raises(DBAPIError), write_transaction():
        if here().kind == "sqlite":
            here().write("PRAGMA defer_foreign_keys=ON", ())
            here().write(
                "INSERT INTO user_values (account_id, user_id, attribute, position)"
                " VALUES ('gone', 'gone', 'emails', 0)",
                (),
            )
        else:
            with db.engine.connect() as other:
                end = text("SELECT pg_terminate_backend(:pid)")
                other.execute(end, {"pid": here().connection.info.backend_pid})


def test_an_error_is_one_of_sqlalchemy(account):
    with pytest.raises(DBAPIError):
        here().query("SELECT nothing FROM nowhere", ())
