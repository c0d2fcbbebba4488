"""The sealed chain: events in their order, which read the same from every database; anchors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from structlog.testing import capture_logs

from app.directory import audit_chain, audit_check
from app.directory.audit_chain import SEALED, Anchor, canonical, head, seal, seal_all
from app.directory.audit_check import check
from app.directory.errors import Invalid
from app.directory.work import Target
from app.jobs import run_due
from app.store.database import db, write_transaction
from app.store.models import AuditEvent, Job
from app.store.types import now
from tests.conftest import write
from tests.directory.sealed import EVENTS, at, problems, remove
from tests.factories import a_user, an_account
from tests.inspection import audit, row, rows
from tests.threads import at_once

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
