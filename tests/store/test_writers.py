"""While nobody can write, one at a time tries; what nobody depends on is left out."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from app.directory import tokens
from app.directory.errors import NotFound
from app.store import writers
from app.store.database import db, note, write_transaction
from app.store.outages import is_outage
from app.store.writers import Writers
from tests.threads import at_once

AWAY = OperationalError("COMMIT", None, Exception("the server is away"))


@pytest.fixture
def of_app(app) -> Writers:
    """The writers of the application, as if it were new."""
    found = app.extensions["gatehouse_writers"] = Writers()
    return found


def fail() -> None:
    with pytest.raises(OperationalError), write_transaction():
        raise AWAY


def test_after_a_failure_one_at_a_time_tries(app, of_app):
    fail()
    with write_transaction():  # the one who tries
        refused = at_once(app, [(lambda _: of_app.enter(), None)] * 2)
        assert [type(each) for each in refused] == [NoConnectionFree] * 2
        assert all(is_outage(each, db.engine) for each in refused)
    assert at_once(app, [(lambda _: of_app.enter(), None)] * 2) == [None] * 2


def test_what_a_rule_refuses_is_no_failure(of_app):
    fail()
    with pytest.raises(NotFound), write_transaction():
        raise NotFound("user", "x")
    assert not of_app.are_stuck


def test_a_note_is_left_out_while_nothing_can_be_written(of_app, monkeypatch):
    written = []
    fail()
    note(lambda: written.append("at once"))
    monkeypatch.setattr(writers, "NOTES_REST", 0)
    note(lambda: written.append("later"))
    assert written == ["later"]


def test_a_note_that_cannot_be_written_is_no_error_but_a_wrong_one_is(of_app):
    def away() -> None:
        raise AWAY

    note(away)
    assert of_app.are_stuck
    of_app.succeeded()
    with pytest.raises(ZeroDivisionError):
        note(lambda: 1 / 0)


def test_that_a_token_is_in_use_is_such_a_note(of_app, account):
    fail()
    tokens.touch(account, "any")
    assert db.session.scalar(text("SELECT count(*) FROM tokens")) == 0
