"""A preview that is refused or fails; and works that are written in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.directory import folders, groups, users
from app.directory.errors import DirectoryError, LastMasterAdmin, NotFound, Taken, VersionMismatch
from app.directory.preview import part, preview
from app.directory.users import Profile
from app.directory.work import Work
from app.store.models import AuditEvent, OutgoingEvent, ProvisioningEntry, User
from tests.conftest import CLI_ACTOR, write
from tests.differences import told
from tests.directory.previewing import everything, seen
from tests.factories import a_user, an_account
from tests.inspection import audit, epoch, row, rows
from tests.threads import at_once

# -- What is refused ----------------------------------------------------------------


def refused(error: type[Exception], account_id: str, write_: Callable[..., Any], *args, **options):
    """See that a preview raises what the write raises, and writes nothing, no refusal either."""
    before = everything()
    with pytest.raises(error) as raised:
        preview(account_id, CLI_ACTOR, lambda work: write_(work, *args, **options))
    assert everything() == before
    return raised.value


def test_it_raises_what_the_write_raises(account, house):
    refused(NotFound, account, users.delete, "no such user")
    refused(NotFound, account, users.delete, a_user(an_account()))
    refused(Taken, account, users.create, Profile("ADA"))
    refused(Taken, account, folders.create, house["Brand"], "2026")
    refused(VersionMismatch, account, groups.delete, house["Inner"], expected_version=99)


def test_a_refused_one_leaves_no_audit_row(account, house):
    refused(LastMasterAdmin, account, users.delete, house["root"])
    assert audit(account, "directory.refused") == []
    with pytest.raises(LastMasterAdmin), write(account) as work:
        users.delete(work, house["root"])
    assert len(audit(account, "directory.refused")) == 1


def test_a_fault_goes_on_and_writes_nothing(account, house):
    def fail(work: Work) -> None:
        users.delete(work, house["ada"])
        raise ZeroDivisionError

    refused(ZeroDivisionError, account, fail)


def test_after_it_the_session_is_as_good_as_new(account, house):
    refused(LastMasterAdmin, account, users.delete, house["root"])
    seen(account, users.delete, house["ada"])
    with write(account) as work:
        users.delete(work, house["ada"])
    assert rows(User, id=house["ada"]) == []


def test_previews_and_writes_at_once_do_not_disturb_each_other(app, account, house):
    people = [a_user(account) for _ in range(3)]

    def delete(user_id: str) -> None:
        with write(account) as work:
            users.delete(work, user_id)

    def look(user_id: str) -> None:
        assert preview(account, CLI_ACTOR, lambda work: users.delete(work, user_id)).events

    calls = [(delete, each) for each in people] + [(look, house["ada"])] * 3
    assert at_once(app, calls) == [None] * 6
    assert len(rows(User, account_id=account)) == 3


# -- Parts, each a transaction of its own ----------------------------------------------


def in_parts(work: Work, house: dict[str, str], outcomes: list[str]) -> None:
    """What a bulk request does: the second part and the fourth are refused, the others kept."""
    for change in (
        lambda: users.create(work, Profile("one")),
        lambda: (users.create(work, Profile("two")), users.create(work, Profile("ONE"))),
        lambda: users.set_active(work, house["ada"], False),
        lambda: users.delete(work, house["root"]),
        lambda: users.delete(work, house["eve"]),
    ):
        try:
            with part(work):
                change()
            outcomes.append("kept")
        except DirectoryError as error:
            outcomes.append(type(error).__name__)


def test_a_part_that_is_refused_is_undone_alone(account, house):
    outcomes: list[str] = []
    found = seen(account, in_parts, house, outcomes)
    assert outcomes == ["kept", "Taken", "kept", "LastMasterAdmin", "kept"] * 2
    told_of = [(event["action"], event["target_name"]) for event in found.events]
    assert [each for each in told_of if each[0].startswith("user.")] == [
        ("user.created", "one"),
        ("user.deactivated", "ada"),
        ("user.deleted", "eve"),
    ]
    assert set(told(found.access)) == {"ada", "eve"}


def test_parts_written_for_good_have_their_events_once(account, house):
    audited, before = len(audit(account)), epoch(account)
    with write(account) as work:
        in_parts(work, house, [])
        users.create(work, Profile("last"))
    written = [each.target_name for each in audit(account)[audited:] if "user." in each.action]
    assert written == ["one", "ada", "eve", "last"]
    assert epoch(account) == before + 2  # Once for each part that could change access.
    assert len(rows(OutgoingEvent)) == len(rows(AuditEvent)) - refusals()
    assert rows(ProvisioningEntry) == []


def refusals() -> int:
    return len([each for each in rows(AuditEvent) if each.outcome == "refused"])


def test_a_work_finished_twice_writes_what_is_new(account, house):
    with write(account) as work:
        users.create(work, Profile("one"))
        work.finish()
        work.finish()
        users.set_active(work, house["ada"], False)
        work.finish()
    assert [each.target_name for each in audit(account, "user.created")][-1] == "one"
    assert len(audit(account, "user.deactivated")) == 1


def test_a_work_finished_twice_keeps_a_master_admin_each_time(account, house):
    with pytest.raises(LastMasterAdmin), write(account) as work:
        users.set_active(work, house["ada"], False)
        work.finish()
        users.delete(work, house["root"])
        work.finish()
    assert row(User, id=house["ada"]).active
    with pytest.raises(LastMasterAdmin), write(account) as work:
        users.delete(work, house["root"])
        work.finish()
