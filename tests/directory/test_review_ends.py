"""The end of access reviews: what is undecided is decided, reviewers are written to before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app import mail, review_mails
from app.directory.errors import Invalid, LastMasterAdmin, NotFound
from app.directory.reviews import due
from app.store.database import db
from app.store.models import Grant, Review, ReviewItem
from app.store.types import now
from tests.conftest import CLI_ACTOR, write
from tests.directory.reviewing import SOON, a_review, decide, end, ids, person
from tests.factories import a_folder, a_grant, a_user
from tests.inspection import audit, row, rows


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
    brand = a_folder(account)
    a_grant(account, a_user(account), "viewer", brand)
    review = a_review(account, "folder", brand)
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
