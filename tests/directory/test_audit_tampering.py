"""Whatever is changed, removed or inserted in the audit log shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from app.directory import audit_chain, audit_check
from app.directory.audit_chain import SEALED, Anchor, head, seal
from app.directory.audit_check import WRONG_KEY, check
from app.store.database import db, write_transaction
from app.store.models import Account
from app.store.types import new_id
from tests.directory.sealed import EVENTS, at, problems, remove
from tests.factories import a_user, an_account


def change(event_id: str, **values: Any) -> None:
    with write_transaction():
        db.session.execute(update(EVENTS).where(EVENTS.c.id == event_id).values(**values))


def put(event: Any, **changed: Any) -> str:
    """Insert a copy of an event, changed, and return its id."""
    copy = {**event._mapping, "id": new_id(), **changed}
    with write_transaction():
        db.session.execute(insert(EVENTS), [copy])
    return str(copy["id"])


def set_head(account_id: str, anchor: Anchor) -> None:
    values = {"audit_sequence": anchor.sequence, "audit_seal": anchor.seal}
    with write_transaction():
        db.session.execute(update(Account).where(Account.id == account_id).values(values))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "id": lambda value: new_id(),
    "at": lambda value: value + timedelta(microseconds=1),
    "outcome": lambda value: "refused",
    "before": lambda value: {"n": 99},
    "after": lambda value: {"n": [1, 0.25]},
    **{
        name: lambda value: f"{value}x"
        for name in SEALED
        if name not in ("account_id", "id", "at", "outcome", "before", "after", "sequence")
    },
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_column_that_is_changed(chain, column):
    event = at(chain, 4)
    change(event.id, **{column: CHANGES[column](getattr(event, column))})
    (found,) = problems(chain)
    assert "at 4 was changed" in found


@pytest.mark.parametrize("column", ["before", "after", "actor_id", "address", "request_id"])
def test_a_column_that_is_emptied(chain, column):
    change(at(chain, 4).id, **{column: None})
    assert len(problems(chain)) == 1


def test_a_seal_that_is_changed(chain):
    change(at(chain, 4).id, seal="0" * 64)
    assert ["at 4" in each or "at 5" in each for each in problems(chain)] == [True, True]


def test_any_row_that_is_removed_and_put_back(chain):
    for sequence in range(1, 9):
        event = at(chain, sequence)
        remove(event.id)
        (found,) = problems(chain)
        assert ("cut off" if sequence == 8 else f"removed: {sequence}, before") in found
        put(event, id=event.id)
        assert problems(chain) == []


def test_several_rows_that_are_removed(chain):
    for sequence in (3, 4, 5):
        remove(at(chain, sequence).id)
    (found,) = problems(chain)
    assert found.startswith("removed: 3 to 5, before event")


def test_a_row_that_is_put_at_the_end(chain):
    end = at(chain, 8)
    put(end, sequence=9)
    changed, longer = problems(chain)
    assert "at 9 was changed" in changed and "goes on to 9" in longer
    set_head(chain, Anchor(9, end.seal))
    assert len(problems(chain)) == 1


def test_a_row_that_is_put_in_the_middle(chain):
    for sequence in range(8, 3, -1):
        change(at(chain, sequence).id, sequence=sequence + 1)
    put(at(chain, 3), sequence=4)
    set_head(chain, Anchor(9, at(chain, 9).seal))
    assert "at 4 was changed" in problems(chain)[0]


def test_a_row_that_is_put_before_the_first(chain):
    put(at(chain, 1), sequence=0)
    (found,) = problems(chain)
    assert "inserted" in found


def test_two_rows_that_change_places(chain):
    third, fifth = at(chain, 3), at(chain, 5)
    change(third.id, sequence=99)
    change(fifth.id, sequence=3)
    change(third.id, sequence=5)
    assert len(problems(chain)) >= 2


def test_two_rows_that_change_what_they_say(chain):
    third, fifth = at(chain, 3), at(chain, 5)
    for one, other in ((third, fifth), (fifth, third)):
        change(one.id, target_id=other.target_id, before=other.before, after=other.after)
    assert ["at 3" in each or "at 5" in each for each in problems(chain)] == [True, True]


def test_a_row_of_another_account(chain):
    other = an_account()
    seal(other)
    event = at(other, 2)
    change(event.id, account_id=chain, sequence=9)
    assert "cut off" in problems(other)[0]
    assert "at 9 was changed" in problems(chain)[0]


def test_an_end_that_is_cut_off(chain):
    anchor = head(chain)
    for sequence in (7, 8):
        remove(at(chain, sequence).id)
    assert "cut off: it ends at 6, the account knows of 8" in problems(chain)[0]
    set_head(chain, Anchor(6, at(chain, 6).seal))
    assert problems(chain) == [], "an older copy is a good chain; that is what anchors are for"
    (found,) = problems(chain, anchor)
    assert "older copy" in found


def test_everything_that_is_removed(chain):
    anchor = head(chain)
    with write_transaction():
        db.session.execute(delete(EVENTS).where(EVENTS.c.account_id == chain))
        everything = {"audit_sequence": 0, "audit_seal": None}
        db.session.execute(update(Account).where(Account.id == chain).values(everything))
    assert problems(chain) == []
    assert len(problems(chain, anchor)) == 1


def test_a_head_that_is_set_back(chain):
    set_head(chain, Anchor(6, at(chain, 6).seal))
    (found,) = problems(chain)
    assert "goes on to 8, the account knows of 6 alone" in found
    set_head(chain, Anchor(8, at(chain, 6).seal))
    (found,) = problems(chain)
    assert "for its end, 8, is another" in found


def test_events_rewritten_and_sealed_anew(chain):
    """Unsealed by somebody, changed, and sealed by the job: only an anchor tells."""
    anchors = [Anchor(sequence, at(chain, sequence).seal) for sequence in (5, 6, 8)]
    for sequence in (6, 7, 8):
        change(at(chain, sequence).id, sequence=None, seal=None, actor_name="Eve")
    set_head(chain, anchors[0])
    seal(chain)
    assert problems(chain) == []
    assert problems(chain, anchors[0]) == []
    for anchor in anchors[1:]:
        (found,) = problems(chain, anchor)
        assert "rewritten" in found


def test_a_forged_seal_needs_the_key(app, chain):
    event = at(chain, 8)
    forged = {**event._mapping, "actor_name": "Eve"}
    seal_ = audit_chain.seal_of(b"another key", at(chain, 7).seal, forged)
    change(event.id, actor_name="Eve", seal=seal_)
    set_head(chain, Anchor(8, seal_))
    assert len(problems(chain)) == 1


def test_another_key_is_told_from_changes(app, chain, monkeypatch):
    other = replace(app.extensions["gatehouse"], secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", other)
    assert problems(chain) == [WRONG_KEY]
    set_head(chain, Anchor(9, at(chain, 8).seal))
    first, cut = problems(chain)
    assert first == WRONG_KEY and "cut off" in cut


def test_what_was_sealed_after_the_key_was_lost_is_checked(app, chain, monkeypatch):
    monkeypatch.setattr(audit_check, "FINDINGS", 3)
    other = replace(app.extensions["gatehouse"], secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", other)
    a_user(chain)
    a_user(chain)
    audit_chain.seal_all()
    (before,) = problems(chain)
    assert before.startswith("no seal fits of the first 8 events: GATEHOUSE_SECRET_KEY is not")
    anchor = audit_chain.head(chain)
    assert check(chain, anchor).end == anchor
    change(at(chain, 10).id, actor_name="Eve")
    assert problems(chain, anchor)[0] == before
    assert "at 10 was changed" in problems(chain, anchor)[1]


def test_the_first_findings_are_told(chain, monkeypatch):
    monkeypatch.setattr(audit_check, "FINDINGS", 3)
    for sequence in range(2, 9):
        change(at(chain, sequence).id, actor_name="Eve")
    assert ["at 2" in problems(chain)[0], len(problems(chain))] == [True, 3]


@contextmanager
def without_rules() -> Iterator[None]:
    """As somebody with the file and an editor, whom no rule of the database binds."""
    with write_transaction():
        db.session.execute(text("PRAGMA ignore_check_constraints=ON"))
        yield
    with write_transaction():
        db.session.execute(text("PRAGMA ignore_check_constraints=OFF"))


@pytest.mark.parametrize(
    "change",
    [
        "at = 'yesterday'",
        "at = 5",
        "before = '{'",
        "before = '1e999'",
        f"after = '{'[' * 900}{']' * 900}'",
        "actor_name = x'00ff'",
        "seal = 'é'",
        "seal = x'00'",
        "seal = NULL",
        "sequence = 'four'",
    ],
)
def test_what_cannot_be_read_is_a_finding_and_no_crash(chain, change):
    if db.engine.dialect.name != "sqlite":
        return  # a server keeps to its types
    with without_rules():
        statement = f"UPDATE audit_events SET {change} WHERE id = :id"
        db.session.execute(text(statement), {"id": at(chain, 4).id})
    assert problems(chain)
