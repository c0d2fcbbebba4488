"""The audit log is listed by what one looks for, page by page, and exported whole."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import asdict
from datetime import timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.directory.audit_chain import seal
from app.directory.work import Actor, Target, record_refusal
from app.lists import audit as lists
from app.lists.audit import AuditFilter, as_csv, as_jsonl, every, listed
from app.lists.paging import BadCursor
from app.lists.spreadsheets import line
from app.store.database import db
from tests.conftest import write
from tests.factories import a_user, an_account
from tests.inspection import audit, plans

ADA_ID, OKTA_ID, NOBODY = (f"01900000-0000-7000-8000-00000000000{n}" for n in range(3))
ADA = Actor(type="user", id=ADA_ID, name="Ada", surface="api", address="192.0.2.1", request_id="r1")
OKTA = Actor(type="token", id=OKTA_ID, name="Okta", surface="scim", address="2001:db8::1")


@pytest.fixture
def log(account) -> str:
    """An account where Ada, Okta and somebody refused have done this and that."""
    for number, actor in enumerate([ADA, OKTA, ADA]):
        with write(account, actor) as work:
            for action in ("user.created", "user.deleted", "group.created"):
                kind = action.split(".")[0]
                work.record(action, Target(kind, f"id-{number}", f"name {number}"))
    record_refusal(account, ADA, "session.refused", "no such user", Target("user", None, "Eve"))
    return account


def wanted(account_id: str, **asked) -> list[str]:
    return [each["id"] for each in every(account_id, AuditFilter(**asked))]


def newest_first(account_id: str, *matching) -> list[str]:
    events = sorted(audit(account_id), key=lambda each: (each.at, each.id), reverse=True)
    return [each.id for each in events if all(match(each) for match in matching)]


FIELDS = {
    "actor": [ADA_ID, OKTA_ID, "Ada", "ada", "tests", NOBODY],
    "target_type": ["user", "group", "folder"],
    "target": ["id-0", "id-1", "name 1", "Eve"],
    "surface": ["api", "scim", "cli"],
    "outcome": ["success", "refused"],
    "address": ["192.0.2.1", "2001:db8::1", ""],
    "request_id": ["r1", "\0"],
    "action": ["user.created", "user.", "user", "account.", ".", "\ud800"],
}


def matches(name: str, value: str):
    def match(event) -> bool:
        if name == "action":
            found = event.action
            return found.startswith(value) if value.endswith(".") else found == value
        if name in ("actor", "target"):
            return value in (getattr(event, f"{name}_id"), getattr(event, f"{name}_name"))
        return getattr(event, name) == value

    return match


def test_everything_the_newest_first(log):
    assert wanted(log) == newest_first(log)
    assert len(wanted(log)) == 12


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values]
)
def test_what_one_looks_for(log, name, value):
    assert wanted(log, **{name: value}) == newest_first(log, matches(name, value))


def test_all_that_is_asked_counts(log):
    for (one, some), (other, others) in itertools.combinations(FIELDS.items(), 2):
        asked = {one: some[0], other: others[0]}
        both = [matches(*each) for each in asked.items()]
        assert wanted(log, **asked) == newest_first(log, *both)


def test_a_time_from_which_and_one_before_which(log):
    times = sorted({each.at for each in audit(log)})
    start, end = times[1], times[-1]
    assert wanted(log, since=start, until=end) == newest_first(
        log, lambda each: start <= each.at < end
    )
    assert wanted(log, since=end + timedelta(hours=1)) == []


def test_page_by_page(log, monkeypatch):
    cursor, seen = None, []
    while True:
        page = listed(log, AuditFilter(), cursor=cursor, limit=5)
        seen.append([each["id"] for each in page.items])
        cursor = page.next
        if cursor is None:
            break
    assert [len(each) for each in seen] == [5, 5, 2]
    assert list(itertools.chain(*seen)) == newest_first(log)
    monkeypatch.setattr(lists, "LONGEST_PAGE", 5)
    assert wanted(log) == newest_first(log)
    with pytest.raises(BadCursor):
        listed(log, AuditFilter(), cursor="nowhere")


def test_what_happens_meanwhile_moves_nothing(log, monkeypatch):
    monkeypatch.setattr(lists, "LONGEST_PAGE", 4)
    before = newest_first(log)
    found = []
    for event in every(log, AuditFilter()):
        found.append(event["id"])
        if len(found) % 3 == 0:
            a_user(log)
    assert found == before


def test_no_transaction_is_open_while_somebody_reads(log):
    events = every(log, AuditFilter())
    next(events)
    assert not db.session().in_transaction()
    a_user(log)
    assert len(list(events)) == 11


def test_of_another_account_there_is_nothing(log):
    other = an_account()
    assert len(wanted(other)) == 2
    assert not set(wanted(other)) & set(wanted(log))


def test_what_is_looked_for_by_id_is_found_by_an_index(log):
    if db.engine.dialect.name != "sqlite":
        return
    for asked in (
        {},
        {"actor": ADA_ID},
        {"target_type": "user", "target": NOBODY},
        {"request_id": "r1"},
    ):
        with plans() as steps:
            listed(log, AuditFilter(**asked))
        assert steps and all(each.startswith(("SEARCH", "USE TEMP")) for each in steps), asked


# -- Export ------------------------------------------------------------------------


def test_by_action_and_what_was_refused_no_more_is_read_than_shown(log):
    if db.engine.dialect.name != "sqlite":
        return
    for wanted, index in (
        (AuditFilter(action="user.created"), "account_id_action_at (account_id=? AND action=?)"),
        (AuditFilter(outcome="refused"), "refused (account_id=?)"),
    ):
        with plans() as steps:
            listed(log, wanted)
        assert steps[0] == f"SEARCH audit_events USING INDEX ix_audit_events_{index}"


def test_json_lines(log):
    seal(log)
    lines = "".join(as_jsonl(every(log, AuditFilter()))).splitlines()
    first = orjson.loads(lines[0])
    event = max(audit(log), key=lambda each: (each.at, each.id))
    assert first["at"] == event.at.isoformat()
    assert first["actor"] == {"type": "user", "id": ADA_ID, "name": "Ada"}
    assert first["target"] == {"type": "user", "id": None, "name": "Eve"}
    assert (first["sequence"], first["seal"]) == (event.sequence, event.seal)
    assert len(lines) == 12


def test_csv_has_a_header_and_all_columns(log):
    table = list(csv.DictReader(io.StringIO("".join(as_csv(every(log, AuditFilter()))))))
    assert len(table) == 12
    assert tuple(table[0]) == lists.COLUMNS
    assert (table[0]["actor_name"], table[0]["target_id"]) == ("Ada", "")
    assert orjson.loads(table[-1]["after"])


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_is_a_formula(account, text):
    with write(account, Actor(**asdict(ADA) | {"name": text})) as work:
        work.record("user.created", Target("user", text, text))
    record = next(csv.DictReader(io.StringIO("".join(as_csv(every(account, AuditFilter()))))))
    for name in ("actor_name", "target_id", "target_name"):
        assert record[name] == f"'{text}"


def test_nor_is_what_a_semicolon_parts_from_a_cell():
    assert line(["a;=1+1", "a; b", "a-b", "two\n@lines"]) == "a;'=1+1,a; b,a-b,\"two\n'@lines\"\r\n"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.text(max_size=30))
def test_every_name_can_be_exported(account, name):
    record_refusal(account, Actor(**asdict(ADA) | {"name": name}), "x.refused", "")
    (event,) = itertools.islice(every(account, AuditFilter()), 1)
    assert orjson.loads("".join(as_jsonl([event])))["actor"]["name"] == event["actor"]["name"]
    (record,) = csv.DictReader(io.StringIO("".join(as_csv([event])), newline=""))
    # Apostrophes may be added before what would be a formula, and nothing else.
    assert record["actor_name"].replace("'", "") == event["actor"]["name"].replace("'", "")
