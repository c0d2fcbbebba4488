"""The end of reviews, and who is to be written to before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import or_, select, update

from app.directory import delegation
from app.directory.errors import DirectoryError, LastMasterAdmin, NotFound
from app.directory.imports.refusals import NAME_SHOWN, all_but_refused
from app.directory.reviews.deciding import apply, check_may_decide, note
from app.directory.work import Actor, Target, Work, transaction
from app.lists.reviews import MANAGING, REFUSED, is_over
from app.store.database import db
from app.store.models import Review, ReviewItem
from app.store.types import now
from app.words import say

AT_ONCE = 200
"""How many items are decided in one transaction, at the most."""
REMIND_BEFORE = timedelta(days=3)
"""How long before a review is due reviewers are written to again."""
log = structlog.get_logger("gatehouse")
NOBODY = say("Nobody decided in time.")
_JOB = Actor(type="system", name="end of reviews", surface="console")


@dataclass(frozen=True)
class Notice:
    """A review whose reviewers are to be written to."""

    account_id: str
    review_id: str
    name: str
    due_at: datetime
    again: bool
    """Whether they were before."""


def end(work: Work, review_id: str) -> None:
    """End a review before it is due. What nobody has decided is decided by the background work.

    One that is over and waits for that stays as it is.

    :raises NotFound: When the account has no such review that is open.
    :raises Forbidden: When the actor may not give roles on the account, or could not decide what
        is undecided: it is what they hold, or what they may neither give nor take back.
    """
    delegation.check_permissions(work, {MANAGING})
    review = _open(work, review_id)
    if review is None:
        raise NotFound("review that is open", review_id)
    if review.over:
        return
    check_may_decide(work, review, ReviewItem.decision.is_(None))
    this = (Review.account_id == work.account_id) & (Review.id == review_id)
    told = {"ended_at": work.at, "ended_by": work.actor.name}
    db.session.execute(update(Review).where(this).values(**told))
    work.record("review.ended", Target("review", review_id, review.name))


def close_due() -> None:
    """Close every review that is due, or was ended.

    :raises DirectoryError: Why one could not be; the others are closed all the same.
    """
    query = select(Review.account_id, Review.id).where(Review.state == "open", is_over(now()))
    problems = []
    for row in db.session.execute(query).all():
        try:
            close(row.account_id, row.id)
        except DirectoryError as error:
            log.error("review not closed", review=row.id, exc_info=error)
            problems.append(error)
    if problems:
        raise problems[0]


def close(account_id: str, review_id: str, actor: Actor = _JOB) -> None:
    """Decide what nobody has, as the review says, some at a time; then close it."""
    while True:
        with transaction(account_id, actor) as work:
            review = _open(work, review_id)
            if review is None or not review.over:
                return
            items = _undecided(account_id, review_id)
            if not items:
                _close(work, review)
                return
            _decide(work, review, items)


def _open(work: Work, review_id: str) -> Any:
    """Return the row of a review that is not closed yet; None where there is none."""
    query = select(Review.__table__, is_over(work.at).label("over")).where(
        Review.account_id == work.account_id, Review.id == review_id, Review.state == "open"
    )
    return db.session.execute(query).first()


def _undecided(account_id: str, review_id: str) -> list[Any]:
    query = select(ReviewItem.__table__).where(
        ReviewItem.account_id == account_id,
        ReviewItem.review_id == review_id,
        ReviewItem.decision.is_(None),
    )
    return list(db.session.execute(query.order_by(ReviewItem.id).limit(AT_ONCE)))


def _decide(work: Work, review: Any, items: list[Any]) -> None:
    why = NOBODY
    if review.ended_at is not None:
        why = say(
            "Nobody had decided when %(name)s ended it early.", name=review.ended_by[:NAME_SHOWN]
        )
    refused = all_but_refused(
        work, items, lambda inner, some: apply(inner, review, some, review.undecided, why)
    )
    for item, error in refused:
        if not isinstance(error, LastMasterAdmin):
            raise error
        note(work, review, review.undecided, {item.id: REFUSED}, error.sentence)


def _close(work: Work, review: Any) -> None:
    this = (Review.account_id == work.account_id) & (Review.id == review.id)
    db.session.execute(update(Review).where(this).values(state="closed", closed_at=work.at))
    work.record("review.closed", Target("review", review.id, review.name))


def take_notices() -> list[Notice]:
    """Return the reviews whose reviewers are to be written to now; nobody gets them again."""
    at = now()
    soon = at + REMIND_BEFORE
    query = select(Review.__table__).where(
        Review.state == "open",
        ~is_over(at),
        or_(Review.told_at.is_(None), Review.reminded_at.is_(None) & (Review.due_at <= soon)),
    )
    found = []
    for row in db.session.execute(query).all():
        with transaction(row.account_id, _JOB):
            told = {"told_at": row.told_at or at}
            told |= {"reminded_at": at} if row.due_at <= soon else {}
            this = (
                (Review.account_id == row.account_id)
                & (Review.id == row.id)
                & (Review.reminded_at.is_(None) if row.told_at else Review.told_at.is_(None))
            )
            taken = update(Review).where(this).values(**told).returning(Review.id)
            if db.session.scalar(taken) is not None:
                again = row.told_at is not None
                found.append(Notice(row.account_id, row.id, row.name, row.due_at, again))
    return found
