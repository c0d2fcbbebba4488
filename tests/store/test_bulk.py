"""Rows written many at once are those that are written one after the other."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.store.bulk import FEW, among, insert_rows
from app.store.database import db, table, write_transaction
from app.store.models import AuditEvent, Group, Membership, Operation, OperationPiece, User
from app.store.types import new_id, now
from tests.factories import a_group, a_large_group, a_user
from tests.inspection import rows

ODD = [
    *('a"b', "a'b", "back\\slash", "tab\there", "line\nbreak", "\\N", "", " ", "NULL", "{1,2}"),
    *("Ünï ﬁ İ 💩", "%s", ":name", "\r\n", "\x01\x7f"),
]


def events(account_id: str) -> list[dict]:
    """Rows of every type there is, with everything odd in them."""
    return [
        {
            "account_id": account_id,
            "id": new_id(),
            "at": now(),
            "action": "x",
            "actor_type": "user",
            "actor_id": None if number % 2 else "someone",
            "actor_name": ODD[number % len(ODD)],
            "surface": "cli",
            "target_type": "user",
            "target_id": None,
            "target_name": ODD[-1 - number % len(ODD)],
            "before": None if number % 3 else {},
            "after": {ODD[number % len(ODD)]: [number, 1.5, True, None, ODD]},
        }
        for number in range(FEW * 2)
    ]


def without_place(account_id: str) -> list[tuple]:
    found = [each for each in rows(AuditEvent, account_id=account_id) if each.action == "x"]
    return [tuple(each) for each in found]


def test_the_rows_are_those_of_the_usual_way(account):
    made = events(account)
    with write_transaction():
        insert_rows(table(AuditEvent), made)
    quick = without_place(account)
    with write_transaction():
        db.session.execute(table(AuditEvent).delete().where(table(AuditEvent).c.action == "x"))
        db.session.execute(insert(table(AuditEvent)), made)
    assert quick == without_place(account) and len(quick) == len(made)


def test_defaults_are_written_too_but_for_those_made_up_row_by_row(account):
    base = {"account_id": account, "attributes": {}, "origin": "manual", "created_at": now()}
    base |= {"updated_at": now()}
    names = [f"user{number}" for number in range(FEW + 5)]
    made = [base | {"id": new_id(), "user_name": n, "user_name_key": n} for n in names]
    with write_transaction():
        insert_rows(table(User), made)
    assert {(each.version, each.active, each.break_glass) for each in rows(User)} == {
        (1, True, False)
    }
    group = [{"account_id": account, "display_name": n, "display_name_key": n} for n in names]
    with pytest.raises(ValueError, match="differs from row to row"), write_transaction():
        insert_rows(table(Group), group)


def test_bytes_are_kept_as_they_are(account):
    operation = new_id()
    row = {"account_id": account, "id": operation, "kind": "x", "name": "x", "options": {}}
    row |= {"total": 1, "actor_type": "user", "actor_name": "x", "surface": "cli"}
    contents = [bytes([number, 0, 255, 92]) for number in range(FEW + 5)]
    key = {"account_id": account, "operation_id": operation, "part": "file"}
    with write_transaction():
        db.session.execute(insert(table(Operation)), [row])
        insert_rows(
            table(OperationPiece),
            [key | {"number": number, "content": each} for number, each in enumerate(contents)],
        )
    assert [each.content for each in rows(OperationPiece)] == contents


@pytest.mark.parametrize("broken", ["twice", "nobody"])
def test_what_breaks_a_constraint_leaves_nothing(account, broken):
    group, users = a_group(account), [a_user(account) for _ in range(FEW + 5)]
    users[7] = users[3] if broken == "twice" else "nobody"
    key = {"account_id": account, "group_id": group, "created_at": now()}
    with pytest.raises(IntegrityError), write_transaction():
        insert_rows(table(Membership), [key | {"user_id": each} for each in users])
    assert rows(Membership) == []


def test_nothing_is_written_for_nothing(account):
    with write_transaction():
        insert_rows(table(Membership), [])


def test_among_finds_any_text(account):
    group = a_large_group(account, 1)
    made = [a_user(account, name) for name in ODD if name.strip()]
    asked = [*ODD, "\0", "\ud800", "nobody"]
    query = select(User.id).where(User.account_id == account, among(User.user_name, asked))
    found = set(db.session.scalars(query))
    assert found == set(made)
    none = select(User.id).where(User.account_id == account, among(User.user_name, []))
    assert db.session.scalars(none).all() == [] and group
