"""Who decides in an access review, and on what: nobody more than they may."""

from __future__ import annotations

import pytest

from app.access.permissions import ACTIONS
from app.directory import grants, roles
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.reviews import due
from app.lists import reviews as lists
from app.lists.reviews import ItemFilter
from app.store.models import Folder, Grant, Review, ReviewItem
from tests.conftest import write
from tests.directory.reviewing import a_review, decide, exported, holders, ids, person, program
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user, an_account
from tests.inspection import row, rows, rows_of


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


def test_what_every_reviewer_holds_is_counted(account, boss):
    brand, eve, mary = a_folder(account), a_user(account, "eve"), a_user(account, "mary")
    inner = a_group(account, "Inner", members=[eve])
    outer = a_group(account, "Outer", members=[inner, mary])
    for who in (eve, mary, inner, outer, a_user(account, "ada")):
        a_grant(account, who, "viewer", brand)
    for reviewers, left in (([eve], 3), ([mary], 2), ([eve, mary], 1), ([a_user(account)], 0)):
        review = a_review(account, "folder", brand, reviewers=reviewers)
        assert lists.left_to_others(account, review) == left


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


@pytest.mark.parametrize("decision", ["keep", "revoke"])
@pytest.mark.parametrize("actions", [{"role.assign"}, {"role.assign", "folder.share"}])
def test_who_is_no_reviewer_decides_only_of_what_they_could_take_back(
    account, boss, actions, decision
):
    brand = a_folder(account)
    a_grant(account, a_user(account, "ada"), "editor", brand)
    review = a_review(account, "folder", brand, by=boss)
    items = list(ids(account, review).values())
    with pytest.raises(Forbidden, match=r"asset\.edit"):
        decide(account, program(actions), review, items, decision)
    assert len(rows(Grant, folder_id=brand)) == 1
    all_of_it = program(ACTIONS - {"billing.manage"})
    assert decide(account, all_of_it, review, items, decision) == 1


def test_an_admin_decides_of_no_more_than_an_admin_may(account, boss):
    admin, other = a_user(account, "admin"), a_user(account, "other")
    a_grant(account, admin, "admin")
    a_grant(account, other, "reports")
    a_master_admin(account, "second")
    review = a_review(account, "account_roles", by=boss, reviewers=[other])
    there = ids(account, review)
    with pytest.raises(Forbidden, match=r"billing\.manage"):
        decide(account, person(admin), review, [there["other"], there["second"]], "revoke")
    assert decide(account, person(admin), review, [there["other"]], "keep") == 1
    # Who is a reviewer does it by the right of whoever began it.
    assert decide(account, person(other), review, [there["second"]], "revoke") == 1


def test_who_manages_a_folder_and_gives_roles_decides_there(account, boss):
    mary, ada, brand = a_user(account, "mary"), a_user(account, "ada"), a_folder(account, "Brand")
    with write(account) as work:
        giver = roles.create(work, "account", "giver", {"role.assign"})
    a_grant(account, mary, giver)
    a_grant(account, mary, "manager", brand)
    for folder in (brand, a_folder(account, "Other")):
        a_grant(account, ada, "editor", folder)
    review = a_review(account, "role", "editor", by=boss, reviewers=[boss.id])
    within, beyond = (
        row(Grant, user_id=ada, folder_id=folder).id
        for folder in (brand, row(Folder, name="Other").id)
    )
    assert decide(account, person(mary), review, [within], "revoke") == 1
    with pytest.raises(Forbidden):
        decide(account, person(mary), review, [beyond], "revoke")
    with write(account) as work:
        grants.revoke(work, beyond)
    assert decide(account, person(mary), review, [beyond], "revoke") == 1
    assert row(ReviewItem, review_id=review, id=beyond).outcome == "gone"


def test_who_could_not_change_a_group_decides_nothing_about_its_members(account, boss):
    group = a_group(account, members=[a_user(account, "ada")])
    a_grant(account, group, "admin")
    review = a_review(account, "group", group, by=boss, undecided="revoke")
    (item,) = ids(account, review).values()
    for actions in ({"role.assign"}, {"role.assign", "group.manage"}):
        with pytest.raises(Forbidden):
            decide(account, program(actions), review, [item], "revoke")
        with pytest.raises(Forbidden), write(account, program(actions)) as work:
            due.end(work, review)
    assert decide(account, program(ACTIONS), review, [item], "revoke") == 1


@pytest.mark.parametrize("undecided", ["keep", "revoke"])
def test_who_may_not_decide_does_not_end_what_is_decided_then(account, boss, undecided):
    brand = a_folder(account)
    for name in ("ada", "bob"):
        a_grant(account, a_user(account, name), "editor", brand)
    review = a_review(account, "folder", brand, by=boss, undecided=undecided)
    may_give = program({"role.assign"})
    with pytest.raises(Forbidden, match=r"asset\.edit"), write(account, may_give) as work:
        due.end(work, review)
    own = a_review(account, "role", "master_admin", by=boss, undecided=undecided)
    with pytest.raises(Forbidden, match="hold themselves"), write(account, boss) as work:
        due.end(work, own)
    assert row(Review, id=review).ended_at is row(Review, id=own).ended_at is None
    decide(account, boss, review, list(ids(account, review).values()), "keep")
    with write(account, may_give) as work:
        due.end(work, review)
    assert row(Review, id=review).ended_at
