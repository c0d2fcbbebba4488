"""Long operations: one process at a time, nothing lost and nothing twice whenever one stops."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app import operations as carrying
from app.directory import account_role, operations, users
from app.directory.errors import Invalid, NotFound
from app.directory.imports import joining, start
from app.directory.imports import run as running
from app.directory.operations import LEASE, Lost
from app.directory.work import Actor
from app.operations import carry_on, run_all
from app.store.database import db
from app.store.models import Operation, OperationPiece, OperationProblem, User
from app.store.types import now
from tests.conftest import write
from tests.directory.importing import content, told
from tests.factories import a_group, a_master_admin, a_user, an_account
from tests.imports import CONSOLE, a_file, begin, counts, imported, problems, run
from tests.inspection import audit, plans, row, rows
from tests.threads import at_once


class Killed(BaseException):
    """Ends a process in the middle: nobody catches it."""


def as_person(user_id: str) -> Actor:
    return Actor(type="user", id=user_id, name="ada", surface="console")


@pytest.fixture
def in_small_steps(monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 5)
    monkeypatch.setattr(joining, "AT_ONCE", 7)
    monkeypatch.setattr(joining, "PAIRS_LIMIT", 20)


def kill_at(monkeypatch: Any, step: int, *, committed: bool) -> None:
    """Let the process die at a step, before or after it is committed."""
    steps = 0
    advance = operations.advance

    def noted(operation: Any) -> None:
        nonlocal steps
        advance(operation)
        steps += 1
        if steps == step and not committed:
            raise Killed

    def rest(run: Any, seconds: float) -> None:
        if steps == step and committed:
            raise Killed

    monkeypatch.setattr(operations, "advance", noted)
    monkeypatch.setattr(running.Run, "rest", rest)


def let_lapse(operation_id: str) -> None:
    """Let the lease of the dead process run out."""
    late = now() - timedelta(seconds=1)
    query = update(Operation).where(Operation.id == operation_id).values(leased_until=late)
    db.session.execute(query)
    db.session.commit()


TEXT = a_file(23, groups=4, each=3) + "bad,,,,what,,\nperson50,,,,no,,Group 1\n"
TWICE = "person3,Another,,,,,\n"


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize(("text", "options"), [(TEXT + TWICE, {}), (TEXT, {"trial": True})])
def test_killed_at_every_step_it_ends_as_if_never(
    account, monkeypatch, in_small_steps, committed, text, options
):
    other = an_account()
    for each in (account, other):
        a_group(each, "Group 2", members=[a_user(each, "person7@example.com", external_id="E7")])
    expected = imported(other, text, **options)
    operation_id = begin(account, text, **options)
    kills = 0
    while row(Operation, id=operation_id).state != "done":
        with monkeypatch.context() as patched:
            kill_at(patched, 1 + kills % 4, committed=committed)
            operation = operations.claim(account, operation_id)
            assert operation is not None
            try:
                carry_on(operation)
            except Killed:
                kills += 1
                db.session.rollback()
        assert operations.claim(account, operation_id) is None, "its lease holds still"
        let_lapse(operation_id)
        assert kills < 200
    done = row(Operation, id=operation_id)
    assert kills > 5
    assert (counts(done), problems(done)) == (counts(expected), problems(expected))
    assert (done.done, done.examples) == (expected.done, expected.examples)
    assert content(account) == content(other)
    assert told(account) == told(other)


def test_who_was_given_up_writes_nothing_more(account):
    operation_id = begin(account, a_file(3))
    first = operations.claim(account, operation_id)
    let_lapse(operation_id)
    second = operations.claim(account, operation_id)
    carry_on(first)
    assert rows(User) == []
    with pytest.raises(Lost):
        operations.release(first)
    carry_on(second)
    assert row(Operation).state == "done" and len(rows(User)) == 3


def test_of_many_processes_one_has_it(app, account):
    operation_id = begin(account, a_file(3), CONSOLE)
    got = []
    claims = [(lambda _: got.append(operations.claim_next()), None)] * 4
    assert at_once(app, claims) == [None] * 4
    assert len([each for each in got if each is not None]) == 1
    assert row(Operation, id=operation_id).state == "running"


def test_two_run_one_after_the_other_and_nothing_is_there_twice(app, account):
    other = an_account()
    ids = [(each, begin(each, a_file(40))) for each in (account, other)]
    raised = at_once(app, [(lambda pair: run(*pair), pair) for pair in ids])
    assert raised == [None, None]
    assert [len(rows(User, account_id=each)) for each in (account, other)] == [40, 40]


def test_the_command_keeps_its_own(account):
    """What was stopped there on purpose is not carried on by the server."""
    begin(account, a_file(2))
    assert operations.claim_next() is None
    mine = begin(account, a_file(2), CONSOLE)
    assert operations.claim_next().id == mine


def test_looking_for_what_waits_reads_an_index(account):
    if db.engine.dialect.name == "sqlite":
        with plans() as steps:
            operations.claim_next()
        assert any("ix_operations_open" in step for step in steps), steps


def test_the_server_begins_and_goes_on_by_itself(app, account, monkeypatch):
    monkeypatch.setattr(carrying, "LOOK_EVERY", 0.01)
    left = begin(account, a_file(2), CONSOLE)
    operations.claim(account, left)
    let_lapse(left)
    begin(account, a_file(4), CONSOLE)
    ended = threading.Semaphore(0)
    carry_on = carrying.carry_on

    def told_of(operation: Any) -> None:
        carry_on(operation)
        ended.release()

    monkeypatch.setattr(carrying, "carry_on", told_of)
    worker = carrying.start(app)
    try:
        assert ended.acquire(timeout=20) and ended.acquire(timeout=20)
    finally:
        worker.end()
    assert [each.state for each in rows(Operation)] == ["done", "done"]


def test_a_process_that_stops_hands_on_what_it_does(app, account, monkeypatch, in_small_steps):
    monkeypatch.setattr(carrying, "LOOK_EVERY", 0.01)
    begin(account, a_file(30), CONSOLE)
    entered, may_go_on = threading.Event(), threading.Event()
    go_on_unless = carrying._go_on_unless

    def step(stop: threading.Event, operation: Any) -> None:
        if operation.done >= 10:
            entered.set()
            may_go_on.wait(20)
        go_on_unless(stop, operation)

    monkeypatch.setattr(carrying, "_go_on_unless", step)
    worker = carrying.start(app)
    assert entered.wait(20)
    worker.tell()
    may_go_on.set()
    worker.end(20)
    left = row(Operation)
    assert (left.state, left.runner, left.leased_until) == ("waiting", None, None)
    assert 0 < left.done < 30
    assert run_all() and row(Operation).state == "done"
    assert len(rows(User)) == 30


def test_a_schedule_of_ones_own_carries_on_too(account):
    begin(account, a_file(2), CONSOLE)
    assert run_all() == ["import of people.csv"]
    assert row(Operation).state == "done" and run_all() == []


def test_a_fault_of_ours_is_said_and_not_told(app, account, monkeypatch):
    def fail(operation: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setitem(app.extensions, "gatehouse_operations", {"import": fail})
    begin(account, a_file(2), CONSOLE)
    run_all()
    failed = row(Operation)
    assert (failed.state, failed.error) == ("failed", carrying.FAULT)
    assert rows(OperationPiece) == [] and audit(account)[-1].action == "import.failed"


def test_when_the_database_is_away_it_waits(app, account, monkeypatch):
    def away(operation: Any) -> None:
        raise OperationalError("SELECT", None, Exception("gone"))

    operation_id = begin(account, a_file(2), CONSOLE)
    with monkeypatch.context() as patched:
        patched.setitem(app.extensions, "gatehouse_operations", {"import": away})
        carry_on(operations.claim(account, operation_id))
    assert row(Operation).state == "running"
    let_lapse(operation_id)
    assert run_all() and row(Operation).state == "done"


def test_a_cancelled_one_stops_where_it_is(account, monkeypatch, in_small_steps):
    operation_id = begin(account, a_file(30))
    operation = operations.claim(account, operation_id)

    def cancel(now_: Any) -> None:
        if now_.done == 10:
            operation.watch = None
            raise Killed

    operation.watch = cancel
    with pytest.raises(Killed):
        carry_on(operation)
    db.session.rollback()
    with write(account) as work:
        operations.cancel(work, operation_id)
    carry_on(operation)
    assert row(Operation).state == "cancelled"
    assert len(rows(User)) == 5 and rows(OperationPiece) == []
    with pytest.raises(NotFound), write(account) as work:
        operations.cancel(work, operation_id)
    assert audit(account)[-1].action == "import.cancelled"


def test_an_account_has_a_few_open_at_the_most(account):
    for _ in range(operations.OPEN_LIMIT):
        operation_id = begin(account, a_file(1), CONSOLE)
    with pytest.raises(Invalid, match="waiting or running already"):
        begin(account, a_file(1), CONSOLE)
    begin(account, a_file(1))
    begin(an_account(), a_file(1), CONSOLE)
    run(account, operation_id)
    begin(account, a_file(1), CONSOLE)


def test_who_may_no_longer_stops_it(account):
    """Deactivated, or without the role: at the next step."""
    for undo in ("active", "role"):
        boss = a_master_admin(account)
        a_master_admin(account)
        operation_id = begin(account, a_file(2), as_person(boss))
        with write(account) as work:
            if undo == "active":
                users.set_active(work, boss, False)
            else:
                account_role.assign(work, boss, None)
        failed = run(account, operation_id)
        assert failed.state == "failed" and "may not do this" in failed.error
    assert rows(User, external_id="E1") == []


def test_a_trial_is_done_in_earnest_with_its_file_once(account):
    boss = a_master_admin(account)
    tried = imported(account, a_file(3), as_person(boss), trial=True)
    assert [each.part for each in rows(OperationPiece)] == ["file"]
    with write(account, as_person(boss)) as work:
        operation_id = start.in_earnest(work, tried.id)
    assert run(account, operation_id).counts["created"] == 3
    for other in (tried.id, operation_id, "nothing"):
        with pytest.raises(NotFound), write(account, as_person(boss)) as work:
            start.in_earnest(work, other)
    assert len(rows(User, external_id="E1")) == 1


def test_what_is_old_is_forgotten(account, monkeypatch):
    boss = as_person(a_master_admin(account))
    tried = imported(account, "userName\nada\n,\n\n", boss, trial=True)
    waiting = begin(account, a_file(2))
    operations.forget_old()
    assert len(rows(Operation)) == 2 and len(rows(OperationPiece)) == 2
    later = now() + operations.FILE_KEPT + timedelta(seconds=1)
    monkeypatch.setattr(operations, "now", lambda: later)
    operations.forget_old()
    assert [each.operation_id for each in rows(OperationPiece)] == [waiting]
    later = now() + operations.KEPT + timedelta(seconds=1)
    monkeypatch.setattr(operations, "now", lambda: later)
    operations.forget_old()
    assert rows(Operation) == rows(OperationProblem) == rows(OperationPiece) == []
    assert tried.id


def test_a_lease_is_longer_than_a_write_may_wait():
    from app.settings import Settings

    assert timedelta(seconds=Settings().database_seconds) <= LEASE


def test_of_some_kinds_only_the_newest_that_are_over_are_kept(account, monkeypatch):
    monkeypatch.setitem(operations.KEPT_OF_KIND, "drift", 2)
    made = []
    for _ in range(4):
        with write(account) as work:
            made.append(operations.create(work, "drift", "people.csv", {}, 0))
    for each in made[:3]:
        operations.finish(operations.claim(account, each))
    operations.forget_old()
    assert [each.id for each in rows(Operation, account_id=account)] == made[1:]
