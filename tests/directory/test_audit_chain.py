"""The sealed chain: whatever is changed, removed or inserted in the audit log shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text, update
from structlog.testing import capture_logs

from app.directory import audit_chain, audit_check
from app.directory.audit_chain import SEALED, Anchor, canonical, head, seal, seal_all
from app.directory.audit_check import WRONG_KEY, check
from app.directory.errors import Invalid
from app.directory.work import Actor, Target, record_refusal
from app.jobs import run_due
from app.store.database import db, table, write_transaction
from app.store.models import Account, AuditEvent, Job
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import a_user, an_account
from tests.inspection import audit, row, rows
from tests.threads import at_once

EVENTS = table(AuditEvent)


@pytest.fixture
def chain(account) -> str:
    """An account whose log has eight events, all sealed."""
    actor = Actor(type="user", id="0190", name="Ada", surface="api", address="192.0.2.1")
    with write(account, replace(actor, request_id="r1")) as work:
        for number in range(5):
            target = Target("user", f"u{number}", f"user {number}")
            work.record("user.updated", target, before={"n": number}, after={"n": [number, 0.5]})
    record_refusal(account, actor, "session.refused", "no such user", Target("user", None))
    assert seal(account) == 8
    assert problems(account) == []
    return account


def problems(account_id: str, expect: Anchor | None = None) -> list[str]:
    return check(account_id, expect).findings


def at(account_id: str, sequence: int) -> Any:
    return row(AuditEvent, account_id=account_id, sequence=sequence)


def change(event_id: str, **values: Any) -> None:
    with write_transaction():
        db.session.execute(update(EVENTS).where(EVENTS.c.id == event_id).values(**values))


def remove(event_id: str) -> None:
    with write_transaction():
        db.session.execute(delete(EVENTS).where(EVENTS.c.id == event_id))


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


# -- Sealing -----------------------------------------------------------------------


def test_every_column_is_sealed():
    assert {*SEALED, "seal"} == set(EVENTS.c.keys())


def test_events_get_their_places_in_order_and_the_account_knows_the_end(chain):
    events = rows(AuditEvent, account_id=chain)
    assert [each.sequence for each in events] == list(range(1, 9))
    assert len({each.seal for each in events}) == 8
    assert head(chain) == Anchor(8, events[-1].seal)
    assert seal(chain) == 0, "all are sealed"


def test_what_comes_later_goes_on_where_the_chain_ended(chain):
    a_user(chain)
    assert check(chain).unsealed == 1
    assert check(chain).oldest_unsealed == audit(chain)[-1].at
    assert seal(chain) == 1
    report = check(chain)
    assert (report.checked, report.unsealed, report.findings) == (9, 0, [])
    assert report.end == head(chain)


@pytest.mark.parametrize("page", [1, 3, 9])
def test_it_is_sealed_and_checked_in_parts(account, monkeypatch, page):
    monkeypatch.setattr(audit_chain, "BATCH", page)
    monkeypatch.setattr(audit_check, "PAGE", page)
    for _ in range(7):
        a_user(account)
    assert seal(account) == 9
    seen: list[int] = []
    assert check(account, progress=seen.append).findings == []
    assert seen[-1] == 9 and seen == sorted(seen)
    remove(at(account, 4).id)
    assert len(problems(account)) == 1


def test_one_turn_takes_so_much_and_the_next_goes_on(account, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    monkeypatch.setattr(audit_chain, "BATCHES", 2)
    for _ in range(4):
        a_user(account)
    assert [seal(account) for _ in range(3)] == [4, 2, 0]
    assert problems(account) == []


def test_two_who_seal_at_once_harm_nothing(app, account, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 3)
    for _ in range(20):
        a_user(account)

    raised = at_once(app, [(seal, account)] * 3 + [(a_user, account)] * 3)
    assert raised == [None] * 6
    seal(account)
    report = check(account)
    assert (report.findings, report.unsealed) == ([], 0)
    assert report.checked == len(audit(account))


def test_the_job_seals_every_account_and_leaves_anchors_in_the_log(app, account):
    both = {account, an_account()}
    with capture_logs() as lines:
        run_due(job for job in app.extensions["gatehouse_jobs"] if job.name == "audit seal")
        seal_all()
    assert row(Job, name="audit seal").problem is None
    sealed = {each["account"]: each for each in lines if each["event"] == "audit sealed"}
    assert sealed.keys() == both
    for each in both:
        assert check(each).unsealed == 0
        assert Anchor(sealed[each]["sequence"], sealed[each]["seal"]) == head(each)


def test_accounts_have_chains_of_their_own(chain):
    other = an_account()
    seal(other)
    assert [each.sequence for each in audit(other)] == [1, 2]
    assert audit(other)[0].seal != at(chain, 1).seal


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DOCUMENTS = st.dictionaries(
    TEXTS,
    st.recursive(
        st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=5,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=DOCUMENTS, after=DOCUMENTS, name=TEXTS, number=NUMBERS)
def test_an_event_reads_the_same_from_every_database(account, before, after, name, number):
    with write(account) as work:
        work.record("user.updated", Target("user", None, name), before=before, after=after)
        work.record("user.updated", Target("user", None), after={"n": number, "list": [number]})
        said = [canonical({**event, **BESIDE}) for event in work.events]
    written = rows(AuditEvent, account_id=account)[-2:]
    assert [canonical(each._mapping) for each in written] == said


BESIDE = {"outcome": "success", "reason": "", "sequence": None}
"""What the tables fill in."""


@pytest.mark.parametrize(
    ("written", "as_text"),
    [(1.0, "1"), (1e16, "10000000000000000"), (-0.0, "0"), (0.1, "0.1"), (1e-7, "1e-07")],
)
def test_numbers_are_written_in_one_way(written, as_text):
    event = dict.fromkeys(SEALED) | {"after": {"n": written}}
    assert f'"after":{{"n":{as_text}}}' in canonical(event)
    assert canonical(event) == canonical(event | {"after": {"n": float(as_text)}})


# -- Attacks ---------------------------------------------------------------------------

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


# -- Anchors --------------------------------------------------------------------------------


def test_an_anchor_is_written_and_read(chain):
    anchor = head(chain)
    assert Anchor.read(f" {anchor}\n") == anchor
    assert problems(chain, anchor) == []
    a_user(chain)
    seal(chain)
    assert problems(chain, anchor) == [], "the chain has gone on from there"
    assert len(problems(chain, Anchor(8, "0" * 64))) == 1


@pytest.mark.parametrize(
    "text", ["", "8", "8:", ":abc", "x:abc", "0:abc", "-1:a", "²:a", "9" * 5000]
)
def test_what_is_no_anchor_is_refused(text):
    with pytest.raises(Invalid):
        Anchor.read(text)


def test_nothing_sealed_has_no_head(account):
    assert head(account) is None
    report = check(account)
    assert (report.findings, report.unsealed, report.end) == ([], 2, None)
    assert report.oldest_unsealed <= now()


def test_who_is_slower_gives_way_to_who_saw_other_events(account, monkeypatch):
    """An event comes in before those that are about to be sealed, and somebody seals it first."""
    seal(account)
    monkeypatch.setattr(audit_chain, "BATCH", 1)
    a_user(account)
    (waiting,) = rows(AuditEvent, account_id=account, sequence=None)
    places = audit_chain._places

    def then_somebody_else_seals(account_id: str, begin: Anchor | None) -> Any:
        found = places(account_id, begin)
        monkeypatch.undo()
        earlier = dict(waiting._mapping) | {"id": f"00000000{waiting.id[8:]}"}
        with write_transaction():
            db.session.execute(insert(EVENTS), [earlier])
        monkeypatch.setattr(audit_chain, "BATCH", 1)
        audit_chain._seal_batch(account_id)
        return found

    monkeypatch.setattr(audit_chain, "_places", then_somebody_else_seals)
    end = head(account)
    assert seal(account) == 0
    assert head(account).sequence == end.sequence + 1
    assert seal(account) == 1
    assert problems(account) == []
