"""Access reviews: what is held is written down, decided by others, taken back, ended, signed."""

from __future__ import annotations

import io
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import update

from app import mail, review_mails
from app.access.decisions import check
from app.directory.errors import Forbidden, Invalid, LastMasterAdmin, NotFound
from app.directory.reviews import deciding, due, export
from app.directory.reviews.start import Plan, start
from app.directory.work import Actor
from app.lists import reviews as lists
from app.lists.reviews import ItemFilter
from app.security.signing_keys import public_key
from app.store.database import db
from app.store.models import Grant, Group, Membership, NestedGroup, Review, ReviewItem
from app.store.types import now
from tests.conftest import CLI_ACTOR, SECRET_KEY, write
from tests.factories import (
    a_connection,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_user,
    an_account,
)
from tests.inspection import audit, row, rows, rows_of

SOON = timedelta(days=7)


def person(user_id: str, name: str = "somebody") -> Actor:
    return Actor(type="user", id=user_id, name=name, surface="console")


def a_review(account: str, what: str, target: str | None = None, *, by: Actor = CLI_ACTOR, **more):
    """A review that has begun, and its id."""
    options = {"name": "Autumn", "due_at": now() + SOON} | more
    with write(account, by) as work:
        return start(work, Plan(what=what, target_id=target, **options))


def decide(account: str, by: Actor, review: str, items, decision: str, comment: str = "") -> int:
    with write(account, by) as work:
        return deciding.decide(work, review, items, decision, comment)


def holders(account: str, review: str, **wanted) -> list[str]:
    page = lists.items(account, review, ItemFilter(**wanted))
    return [each["holder_name"] for each in page.items]


def ids(account: str, review: str) -> dict[str, str]:
    return {
        each["holder_name"]: each["id"] for each in lists.items(account, review, ItemFilter()).items
    }


@pytest.fixture
def boss(account) -> Actor:
    return person(a_master_admin(account, "boss"), "boss")


def test_it_writes_down_what_is_held(account, boss):
    brand, press = a_folder(account, "Brand"), a_group(account, "Press")
    inner, other = a_folder(account, "2026", parent=brand), a_folder(account, "Other")
    ada = a_user(account, "ada")
    for who, role, where in (
        (ada, "viewer", inner),
        (press, "editor", brand),
        (ada, "editor", other),
        (ada, "reports", None),
    ):
        a_grant(account, who, role, where)
    a_grant(account, a_user(account, "late"), "viewer", brand, expires_at=now() + timedelta(0, 1))
    with write(account):
        old = {"expires_at": now() - timedelta(1)}
        db.session.execute(update(Grant).where(Grant.expires_at.is_not(None)).values(**old))
    review = a_review(account, "folder", brand)
    found = lists.items(account, review, ItemFilter()).items
    assert [(each["holder_name"], each["role_name"], each["folder"]) for each in found] == [
        ("ada", "viewer", "/Brand/2026"),
        ("Press", "editor", "/Brand"),
    ]
    assert holders(account, a_review(account, "role", "editor")) == ["ada", "Press"]
    assert holders(account, a_review(account, "account_roles")) == ["ada", "boss"]
    (event, *_) = audit(account, "review.started")
    assert event.after["items"] == 2 and event.target_name == "Autumn"


def test_no_takes_a_grant_back_at_once(account, boss):
    brand = a_folder(account)
    ada, bob, eve = (a_user(account, name) for name in ("ada", "bob", "eve"))
    for who in (ada, bob):
        a_grant(account, who, "viewer", brand)
    # Eve may do nothing on the folder herself: who began the review could take it back.
    review = a_review(account, "folder", brand, by=boss, reviewers=[eve])
    there = ids(account, review)
    assert decide(account, person(eve, "eve"), review, [there["ada"]], "revoke", "left") == 1
    assert decide(account, person(eve, "eve"), review, [there["bob"]], "keep") == 1
    assert not check(account, ada, "folder.view", brand).allowed
    assert check(account, bob, "folder.view", brand).allowed
    (event,) = audit(account, "grant.revoked")
    assert event.actor_name == "eve" and event.after == {"review": {"id": review, "name": "Autumn"}}
    told = audit(account, "review.decided")[0]
    assert told.after["items"] == {there["ada"]: "revoked"} and told.after["comment"] == "left"
    item = row(ReviewItem, id=there["ada"])
    assert (item.decision, item.outcome, item.comment, item.decided_by_id) == (
        *("revoke", "revoked", "left", eve),
    )
    # What was kept can be revoked still; what was revoked stays.
    eves = person(eve, "eve")
    assert decide(account, eves, review, list(there.values()), "revoke") == 1
    assert decide(account, eves, review, list(there.values()), "keep") == 0
    assert rows(Grant, folder_id=brand) == []


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"what": "all"}, "what must be"),
        ({"what": "role"}, "Say which"),
        ({"what": "account_roles", "target": "viewer"}, "Say which"),
        ({"what": "role", "target": "viewer"}, "nothing to review"),
        ({"what": "role", "target": "editor", "undecided": "x"}, "undecided must be"),
        ({"what": "role", "target": "editor", "due_at": now()}, "due within"),
        ({"what": "role", "target": "nosuch"}, "no role"),
        ({"what": "account_roles", "reviewers": ["nosuch"]}, "no user"),
        ({"what": "account_roles", "name": ""}, "name"),
    ],
)
def test_what_is_no_review_is_refused(account, boss, options, said):
    with pytest.raises((Invalid, NotFound), match=said):
        a_review(account, **options)
    assert rows(Review) == []


def test_members_are_taken_out_where_that_is_ours(account, boss):
    ada, inner = a_user(account, "ada"), a_group(account, "Inner")
    ours = a_group(account, "Ours", members=[ada, inner])
    review = a_review(account, "group", ours)
    there = ids(account, review)
    assert sorted(there) == ["Inner", "ada"]
    assert decide(account, boss, review, list(there.values()), "revoke") == 2
    assert rows(Membership, group_id=ours) == rows(NestedGroup, group_id=ours) == []
    (event,) = audit(account, "group.members_removed")
    assert event.after["members"] == sorted([ada, inner])
    okta = a_connection(account)
    theirs = a_group(account, "Theirs", members=[ada])
    with write(account):
        db.session.execute(update(Group).where(Group.id == theirs).values(connection_id=okta))
    review = a_review(account, "group", theirs)
    decide(account, boss, review, [ada], "revoke")
    assert row(ReviewItem, review_id=review).outcome == "provider"
    assert len(rows(Membership, group_id=theirs)) == 1


def test_what_came_by_a_mapping_or_is_gone_is_told(account, boss):
    brand, group = a_folder(account), a_group(account, "Designers")
    a_mapping(account, "Designers", "viewer", brand)
    ada = a_user(account, "ada")
    a_grant(account, ada, "viewer", brand)
    review = a_review(account, "role", "viewer")
    there = ids(account, review)
    with write(account):
        db.session.execute(Grant.__table__.delete().where(Grant.user_id == ada))
    decide(account, boss, review, list(there.values()), "revoke")
    outcomes = {each.holder_name: each.outcome for each in rows(ReviewItem, review_id=review)}
    assert outcomes == {"Designers": "may_return", "ada": "gone"}
    found = lists.one(account, review)
    assert found["counts"] == {"open": 0, "keep": 0, "revoke": 2}
    assert {each: count for each, count in found["outcomes"].items() if count} == {
        "may_return": 1,
        "gone": 1,
    }
    assert rows(Grant, group_id=group) == []


def test_the_last_master_admin_stays(account, boss):
    other = a_user(account, "other")
    a_grant(account, other, "admin")
    review = a_review(account, "account_roles", reviewers=[other], undecided="revoke")
    there = ids(account, review)
    with pytest.raises(LastMasterAdmin):
        decide(account, person(other), review, [there["boss"]], "revoke")
    end(account, review)
    items = {each.holder_name: each for each in rows(ReviewItem, review_id=review)}
    assert (items["boss"].outcome, items["other"].outcome) == ("refused", "revoked")
    assert items["boss"].comment == str(LastMasterAdmin().sentence)
    assert row(Review, id=review).state == "closed"


def end(account: str, review: str) -> None:
    """Let it be due now."""
    with write(account):
        db.session.execute(update(Review).where(Review.id == review).values(due_at=now()))
    due.close_due()


@pytest.mark.parametrize("undecided", ["keep", "revoke"])
def test_when_it_is_due_what_is_undecided_is_decided(account, boss, monkeypatch, undecided):
    monkeypatch.setattr(due, "AT_ONCE", 2)
    brand = a_folder(account)
    for number in range(5):
        a_grant(account, a_user(account, f"user{number}"), "viewer", brand)
    review = a_review(account, "folder", brand, undecided=undecided)
    decide(account, boss, review, [ids(account, review)["user0"]], "keep", "needed")
    due.close_due()
    assert row(Review, id=review).state == "open"
    end(account, review)
    done = {each.holder_name: each for each in rows(ReviewItem, review_id=review)}
    assert done["user0"].decision == "keep" and done["user0"].comment == "needed"
    assert {done[f"user{number}"].decision for number in range(1, 5)} == {undecided}
    assert done["user1"].decided_by_id is None and done["user1"].comment == due.NOBODY
    assert len(rows(Grant, folder_id=brand)) == (5 if undecided == "keep" else 1)
    assert [each.action for each in audit(account, "review.ended", "review.closed")] == [
        "review.closed"
    ]
    with pytest.raises(NotFound), write(account) as work:
        due.end(work, review)


def test_one_that_is_ended_early_keeps_its_date_and_says_who_ended_it(account, boss, monkeypatch):
    monkeypatch.setattr(mail, "send", lambda *_: pytest.fail("It is over: nobody is written to."))
    brand = a_folder(account)
    a_grant(account, a_user(account, "ada"), "viewer", brand)
    until = now() + SOON
    review = a_review(account, "folder", brand, due_at=until)
    for by in (boss, CLI_ACTOR):  # The second has nothing left to do.
        with write(account, by) as work:
            due.end(work, review)
    assert len(audit(account, "review.ended")) == 1
    review_mails.work()
    closed = row(Review, id=review)
    assert (closed.state, closed.due_at, closed.ended_by) == ("closed", until, "boss")
    assert closed.ended_at < closed.closed_at < until
    (item,) = rows(ReviewItem, review_id=review)
    assert item.comment == "Nobody had decided when boss ended it early."
    with pytest.raises(NotFound), write(account, boss) as work:
        due.end(work, review)


def test_the_comment_fits_whatever_the_name_of_who_ended_it(account, boss):
    review = a_review(account, "account_roles")
    with write(account, person(boss.id, "x" * 1024)) as work:
        due.end(work, review)
    due.close_due()
    assert len(row(ReviewItem, review_id=review).comment) < 1024
    assert len(row(Review, id=review).ended_by) == 1024


def test_one_that_cannot_be_closed_keeps_no_other_open(account, boss, monkeypatch):
    brand = a_folder(account)
    a_grant(account, a_user(account), "viewer", brand)
    stuck, other = (a_review(account, "folder", brand) for _ in range(2))
    for review in (stuck, other):
        with write(account) as work:
            due.end(work, review)
    close = due.close

    def refuse_one(account_id: str, review_id: str) -> None:
        if review_id == stuck:
            raise Invalid("It is stuck.")
        close(account_id, review_id)

    monkeypatch.setattr(due, "close", refuse_one)
    with pytest.raises(Invalid, match="stuck"):
        review_mails.work()
    assert (row(Review, id=stuck).state, row(Review, id=other).state) == ("open", "closed")


def test_reviewers_are_written_to_at_the_start_and_before_the_end(account, boss, monkeypatch):
    sent = []
    monkeypatch.setattr(mail, "send", lambda settings, to, subject, text: sent.append((to, text)))
    brand = a_folder(account)
    a_grant(account, a_user(account, "ada"), "viewer", brand)
    with_mail = {"values": {"emails": [{"value": "eve@example.com", "primary": True}]}}
    reviewers = [a_user(account, "eve", **with_mail), a_user(account, "without")]
    reviewers.append(a_user(account, "gone", active=False, **with_mail))
    review = a_review(account, "folder", brand, reviewers=reviewers)
    for _ in range(2):
        review_mails.work()
    ((to, text),) = sent
    assert to == "eve@example.com" and f"/reviews/{review}" in text and "Autumn" in text
    with write(account):
        db.session.execute(update(Review).values(due_at=now() + timedelta(days=2)))
    for _ in range(2):
        review_mails.work()
    assert len(sent) == 2 and "something left for you" in sent[1][1]
    decide(account, boss, review, list(ids(account, review).values()), "keep")
    with write(account):
        db.session.execute(update(Review).values(reminded_at=None))
    review_mails.work()
    assert len(sent) == 2  # nothing is left


def exported(account: str, review: str) -> list[bytes]:
    return list(
        export.lines_of(account, review, secret_key=SECRET_KEY, issuer="https://g.example.com")
    )


def test_an_export_is_signed_and_whoever_changes_it_is_found_out(account, boss, monkeypatch):
    monkeypatch.setattr(lists, "AT_ONCE", 2)
    brand = a_folder(account, "Brand")
    for number in range(5):
        a_grant(account, a_user(account, f"user{number}"), "viewer", brand)
    review = a_review(account, "folder", brand)
    decide(account, boss, review, [ids(account, review)["user0"]], "revoke", "why")
    lines = exported(account, review)
    first, *items, _ = [orjson.loads(line) for line in lines]
    assert first["review"]["name"] == "Autumn" and first["review"]["counts"]["revoke"] == 1
    assert [each["item"]["holder_name"] for each in items] == [f"user{n}" for n in range(5)]
    assert items[0]["item"]["comment"] == "why" and items[0]["item"]["folder"] == "/Brand"
    told = export.verify(io.BytesIO(b"".join(lines)), public_key)
    assert (told["review"], told["lines"], told["iss"]) == (review, 6, "https://g.example.com")
    assert told["state"] == "open"
    end(account, review)
    assert export.verify(exported(account, review), public_key)["state"] == "closed"
    forged = [*lines[:2], lines[2].replace(b"user1", b"user9"), *lines[3:]]
    for changed in (forged, [*lines[:2], *lines[3:]], [lines[0], *lines]):
        with pytest.raises(Invalid, match="changed"):
            export.verify(changed, public_key)
    for broken in ([], lines[:-1], [b'{"signature": "a.b.c"}'], [b'{"signature": 1}'], [b"\xff"]):
        with pytest.raises(Invalid, match="no signature"):
            export.verify(broken, public_key)
    with pytest.raises(Invalid, match="not known"):
        export.verify(lines, lambda key_id: None)


def test_no_other_account_sees_it(account, boss):
    review, other = a_review(account, "account_roles"), an_account()
    assert lists.one(other, review) is None and lists.listed(other).items == []
    assert lists.items(other, review, ItemFilter()).items == []
    with pytest.raises(NotFound):
        exported(other, review)
    with pytest.raises(NotFound), write(other) as work:
        due.end(work, review)
