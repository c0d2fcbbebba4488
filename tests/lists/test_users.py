"""Lists of people: every filter and order, found through an index however many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update

from app.directory import users
from app.lists import user_filters
from app.lists.paging import BadCursor
from app.lists.users import ORDERS, UserFilter, listed
from app.store.database import db
from app.store.models import User, UserValue
from app.store.types import new_id, now
from tests.conftest import write
from tests.factories import a_grant, a_group, a_session, a_user, count_again
from tests.inspection import plans, statements
from tests.second_factors import a_passkey, a_totp

LONG_AGO = timedelta(days=100)


def email(address: str) -> dict:
    return {"emails": [{"value": address, "type": "work", "primary": True}]}


def names(account: str, **wanted) -> set[str]:
    return {each["user_name"] for each in listed(account, UserFilter(**wanted)).items}


def signed_in(account: str, user_id: str, at, factor: str | None = None) -> None:
    with write(account):
        changed = {"last_sign_in_at": at, "last_sign_in_factor": factor}
        db.session.execute(update(User).where(User.id == user_id).values(changed))


@pytest.fixture(params=[1000, 0], ids=["few", "many"])
def people(request, account, monkeypatch) -> str:
    """An account, whose people are taken for few and for many."""
    monkeypatch.setattr(user_filters, "FEW", request.param)
    ada = a_user(account, "ada", display_name="Zoe", values=email("lovelace@example.com"))
    bob = a_user(account, "bob", display_name="Adam")
    cyd = a_user(account, "cyd")
    a_user(account, "dan", display_name="Eve", values=email("ada.two@example.com"))
    inner = a_group(account, "Designers", members=[bob])
    a_grant(account, a_group(account, "Creative", members=[inner, cyd]), "reports")
    a_group(account, "designers", members=[ada])
    a_grant(account, ada, "reports")
    signed_in(account, ada, now(), "provider")
    a_totp(account, bob)
    a_passkey(account, cyd)
    with write(account) as work:
        users.set_active(work, cyd, False)
    signed_in(account, cyd, now() - LONG_AGO, "provider")
    return account


def test_people_are_found_by_what_administrators_look_for(people):
    assert names(people, prefix="AD") == {"ada", "bob", "dan"}
    assert names(people, prefix="lovelace@") == {"ada"}
    assert names(people, prefix="x") == set()
    assert names(people, role="reports") == {"ada", "bob", "cyd"}
    assert names(people, role="admin") == set()
    assert names(people, group_named="DESIGNERS") == {"ada", "bob"}
    assert names(people, group_named="creative") == {"bob", "cyd"}
    assert names(people, group_named="Nobody") == set()
    assert names(people, second_factor="own") == {"bob", "cyd"}
    assert names(people, second_factor="provider") == {"ada"}
    assert names(people, second_factor="none") == {"dan"}
    assert names(people, never_signed_in=True) == {"bob", "dan"}
    assert names(people, never_signed_in=False) == {"ada", "cyd"}
    assert names(people, last_login_to=now() - timedelta(days=90)) == {"cyd"}
    assert names(people, enabled=False) == {"cyd"}
    assert names(people, prefix="ad", role="reports", second_factor="own") == {"bob"}


def test_a_row_says_how_they_prove_who_they_are(people):
    found = {each["user_name"]: each for each in listed(people, UserFilter()).items}
    shown = {name: each["second_factors"] for name, each in found.items()}
    assert shown == {"ada": ["provider"], "bob": ["totp"], "cyd": ["passkey"], "dan": []}


def test_the_last_sign_in_is_told_with_how(account):
    ada = a_user(account, "ada")
    a_session(account, ada, method="saml", second_factor="provider")
    (row,) = listed(account, UserFilter()).items
    assert (row["last_login_method"], row["second_factors"]) == ("saml", ["provider"])
    a_session(account, ada, method="password")
    (row,) = listed(account, UserFilter()).items
    assert (row["last_login_method"], row["second_factors"]) == ("password", [])
    a_totp(account, ada)
    a_session(account, ada, method="link")  # It awaits the second factor: no sign-in yet.
    (row,) = listed(account, UserFilter()).items
    assert row["last_login_method"] == "password"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_pages_follow_each_other_in_every_order(account, order, descending):
    at = now()
    for number in range(7):
        name = None if number % 3 else f"Name {number % 2}"
        user_id = a_user(account, f"user {(number * 3) % 7}", display_name=name)
        if number % 2:
            signed_in(account, user_id, at - timedelta(days=number % 4))
    whole = listed(account, UserFilter(), order=order, descending=descending).items
    key = {"user_name": "user_name", "display_name": "display_name"}.get(order, order)
    values = [each[key] for each in whole if each[key] is not None]
    assert values == sorted(values, reverse=descending)
    assert [each[key] is None for each in whole] == sorted(each[key] is None for each in whole)
    found, cursor = [], None
    while len(found) < 10:
        page = listed(
            account, UserFilter(), order=order, descending=descending, cursor=cursor, limit=2
        )
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert found == whole and len(found) == 7


def test_a_cursor_without_a_value_is_of_an_order_that_may_lack_one(account):
    for name in ("a", "b"):
        a_user(account, name)
    page = listed(account, UserFilter(), order="display_name", limit=1)
    assert listed(account, UserFilter(), order="display_name", cursor=page.next).items
    with pytest.raises(BadCursor):
        listed(account, UserFilter(), order="user_name", cursor=page.next)


def test_a_page_takes_the_same_statements_however_many_there_are(account):
    counts = []
    for size in (3, 30):
        for number in range(size):
            a_user(account, f"ada{size}-{number}")
        with statements() as seen:
            listed(account, UserFilter(prefix="ada", second_factor="none"))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 7


@pytest.fixture
def crowd(account) -> str:
    """An account so large that reading all of it would be a mistake, and the database knows."""
    numbers = [f"{number:05d}" for number in range(5000)]
    made = [
        {
            "account_id": account,
            "id": new_id(),
            "last_sign_in_at": now(),
            "user_name": f"ada{each}",
            "user_name_key": f"ada{each}",
            "display_name": f"Ada {each}",
            "display_name_key": f"ada {each}",
        }
        for each in numbers
    ]
    emails = [
        {"account_id": account, "user_id": user["id"], "attribute": "emails", "position": 0}
        | {"value": user["user_name"], "value_key": user["user_name"]}
        for user in made
    ]
    with write(account):
        db.session.execute(insert(User), made)
        db.session.execute(insert(UserValue), emails)
        count_again(account)
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    return account


def told_by(steps: list[str]) -> str:
    """Plans as both databases tell them: ``key>`` for a range that begins there."""
    told = "\n".join(steps).replace(")::text", "")
    return told.replace(" >= ", ">").replace(" > ", ">").replace("(", " ")


WALKED = {
    "user_name": ("sqlite_autoindex_users_2", "using user_name on users"),
    "display_name": 2 * ("ix_users_account_id_display_name_key_id",),
    "created_at": ("sqlite_autoindex_users_1", "using pk_users on users"),
    "last_login_at": 2 * ("ix_users_account_id_last_sign_in_at_id",),
}
"""The index that has the order, as SQLite tells of it and PostgreSQL does."""


def walks_along(order: str, told: str) -> bool:
    is_sqlite = db.engine.dialect.name == "sqlite"
    sorts = "B-TREE FOR ORDER BY" in told or "SCAN users" in told
    return WALKED[order][0 if is_sqlite else 1] in told and not sorts


def test_a_search_that_finds_nobody_is_three_ranges(crowd):
    with plans() as steps, statements() as seen:
        assert listed(crowd, UserFilter(prefix="zzz")).items == []
    told = told_by(steps)
    assert len(seen) == 3
    for key in ("user_name_key", "display_name_key", "value_key"):
        assert f" {key}>" in told, told
    assert "Seq Scan" not in told and "SCAN" not in told and "Filter" not in told, told


@pytest.mark.parametrize("order", ORDERS)
def test_a_search_that_finds_most_is_a_walk_that_ends_with_the_page(crowd, order):
    page = listed(crowd, UserFilter(prefix="ada"), order=order, limit=50)
    for cursor in (None, page.next):
        with plans() as steps, statements() as seen:
            listed(crowd, UserFilter(prefix="ada"), order=order, cursor=cursor, limit=50)
        assert walks_along(order, told_by(steps))
        assert len(seen) == 4


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_that_of_an_index_also_after_a_cursor(crowd, order):
    page = listed(crowd, UserFilter(), order=order, limit=50)
    with plans() as steps:
        listed(crowd, UserFilter(), order=order, cursor=page.next, limit=50)
    assert walks_along(order, told_by(steps))
