"""Who decides in an access review, and on what: nobody more than they may."""

from __future__ import annotations

import pytest

from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.reviews import due
from app.lists import reviews as lists
from app.lists.reviews import ItemFilter
from app.store.models import Grant
from tests.conftest import write
from tests.directory.reviewing import a_review, decide, exported, holders, ids, person
from tests.factories import a_folder, a_grant, a_group, a_user, an_account
from tests.inspection import rows, rows_of


def test_nobody_reviews_their_own_also_through_a_group(account, boss):
    brand, eve = a_folder(account), a_user(account, "eve")
    inner = a_group(account, "Inner", members=[eve])
    outer = a_group(account, "Outer", members=[inner])
    for who in (eve, outer, a_user(account, "ada")):
        a_grant(account, who, "viewer", brand)
    review = a_review(account, "folder", brand, reviewers=[eve])
    there = ids(account, review)
    for name in ("eve", "Outer"):
        with pytest.raises(Forbidden, match="hold themselves"):
            decide(account, person(eve), review, [there["ada"], there[name]], "keep")
    assert holders(account, review, not_of=eve) == ["ada"]
    assert lists.has_open(account, review, eve)
    assert decide(account, person(eve), review, [there["ada"]], "keep") == 1
    assert not lists.has_open(account, review, eve)
    assert decide(account, boss, review, [there["eve"], there["Outer"]], "keep") == 2


def test_only_reviewers_and_admins_decide_and_only_while_it_is_open(account, boss):
    brand, eve, nobody = a_folder(account), a_user(account), a_user(account)
    a_grant(account, a_user(account, "ada"), "viewer", brand)
    review = a_review(account, "folder", brand, reviewers=[eve])
    (item,) = ids(account, review).values()
    with pytest.raises(NotFound):
        decide(account, person(nobody), review, [item], "revoke")
    with pytest.raises(NotFound):
        decide(an_account(), boss, review, [item], "revoke")
    with pytest.raises(Invalid, match="decision must be"):
        decide(account, boss, review, [item], "perhaps")
    with write(account, boss) as work:
        due.end(work, review)
    with pytest.raises(Invalid, match="is over"):
        decide(account, person(eve), review, [item], "revoke")
    assert len(rows(Grant, folder_id=brand)) == 1


def test_who_reviews_by_default(account, boss):
    brand = a_folder(account)
    mary = a_user(account, "mary")
    a_grant(account, mary, "manager", brand)
    a_grant(account, mary, "reports")
    review = a_review(account, "folder", brand)
    assert lists.one(account, review)["reviewers"] == ["mary"]
    assert lists.one(account, review, reviewer=boss.id) is None
    review = a_review(account, "account_roles")
    assert lists.one(account, review)["reviewers"] == ["boss"]
    assert [each["id"] for each in lists.listed(account, reviewer=boss.id).items] == [review]


def test_nobody_begins_a_review_of_more_than_they_could_take_back(account, boss):
    admin = person(a_user(account, "admin"))
    a_grant(account, admin.id, "admin")
    group = a_group(account, members=[a_user(account)])
    before = rows_of(account)
    for what, target in (("account_roles", None), ("role", "master_admin")):
        with pytest.raises(Forbidden):
            a_review(account, what, target, by=admin)
    a_grant(account, group, "master_admin")
    with pytest.raises(Forbidden):
        a_review(account, "group", group, by=admin)
    with pytest.raises(Forbidden):
        a_review(account, "role", "admin", by=person(a_user(account)))
    assert before["reviews"] == rows_of(account)["reviews"] == []
    assert a_review(account, "role", "admin", by=admin)


def test_no_other_account_sees_it(account, boss):
    review, other = a_review(account, "account_roles"), an_account()
    assert lists.one(other, review) is None and lists.listed(other).items == []
    assert lists.items(other, review, ItemFilter()).items == []
    with pytest.raises(NotFound):
        exported(other, review)
    with pytest.raises(NotFound), write(other) as work:
        due.end(work, review)
