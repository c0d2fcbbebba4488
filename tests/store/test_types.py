"""The column types: the same in Python and on both databases."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, literal, select
from sqlalchemy.exc import StatementError

from app.store.database import db
from app.store.models import Account, AuditEvent, User
from app.store.types import LongText, comparison_key, new_id, storable
from tests.conftest import write
from tests.inspection import row, rows

any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
on_one_database = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_identifiers_sort_by_creation():
    made = [new_id() for _ in range(1000)]
    assert sorted(made) == made
    assert len(set(made)) == 1000
    assert {len(each) for each in made} == {36}


@given(any_text)
def test_a_comparison_key_is_its_own_key(text):
    assert comparison_key(comparison_key(text)) == comparison_key(text)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Straße", "STRAẞE", True),
        ("Straße", "Strasse", False),
        ("CAFÉ", "cafe\u0301", True),
        ("cafe", "café", False),
        ("İ", "i\u0307", True),
        ("İ", "i", False),
        ("\u0131", "i", False),
        ("\u212b", "å", True),
        ("ﬁ", "fi", False),
    ],
)
def test_comparison_ignores_case_and_form_and_nothing_else(one, other, equal):
    assert (comparison_key(one) == comparison_key(other)) is equal


def test_texts_are_compared_by_code_point(app):
    texts = sorted(["a", "B", "Z", "ä", "z", "ﬀ", "😀", "a b", "A", "a-b", "~"])
    db.session.execute(
        insert(Account), [{"id": new_id(), "name": each, "name_key": each} for each in texts]
    )
    assert list(db.session.scalars(select(Account.name).order_by(Account.name))) == texts


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\udfff!", "\ufffe"])
def test_what_no_database_keeps_is_found_nowhere(account, text):
    assert not storable(text)
    assert rows(User, user_name=text) == []
    query = select(Account.id).where(Account.name.in_([text, "Acme"]))
    assert db.session.scalar(query) == account


@on_one_database
@given(text=any_text)
def test_what_is_storable_comes_back_as_it_was(app, text):
    if storable(text):
        assert db.session.scalar(select(literal(text, LongText))) == text


def test_times_come_back_in_utc_with_microseconds(account):
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    key = {"account_id": account, "id": new_id(), "user_name": "a", "user_name_key": "a"}
    with write(account):
        db.session.execute(insert(User), [key | {"last_sign_in_at": at}])
    stored = row(User).last_sign_in_at
    assert stored == at
    assert stored.tzinfo == UTC
    assert rows(User, last_sign_in_at=at.astimezone(UTC)) != []


def test_a_time_without_a_zone_is_refused(account):
    with pytest.raises(StatementError, match="without a zone"):
        rows(User, last_sign_in_at=datetime(2026, 3, 1))


def test_json_comes_back_as_it_was_and_none_is_null(account):
    value = {"text": "é😀", "number": 2**63, "float": 1.5, "list": [None, True, {}], "none": None}
    key = {"account_id": account, "action": "x", "actor_type": "system", "actor_name": "tests"}
    key |= {"surface": "cli", "target_type": "account"}
    with write(account):
        db.session.execute(
            insert(AuditEvent), [key | {"id": new_id(), "before": None, "after": value}]
        )
    assert row(AuditEvent, action="x").after == value
    nulls = select(func.count()).where(AuditEvent.action == "x", AuditEvent.before.is_(None))
    assert db.session.scalar(nulls) == 1


def test_a_long_text_made_to_be_slow_is_not():
    hostile = "a" + "\u0315" * 100_000 + "\u0300" * 100_000
    start = time.perf_counter()
    assert comparison_key(hostile) == hostile
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_last_hours_there_are_break_nothing(account, year):
    at = datetime(1, 1, 1, 1) if year == 1 else datetime(9999, 12, 31, 23)
    for hours in (-14, 0, 14):
        rows(User, last_sign_in_at=at.replace(tzinfo=timezone(timedelta(hours=hours))))
