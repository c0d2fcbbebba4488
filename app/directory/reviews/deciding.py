"""Deciding what others hold. What is revoked is taken back at once.

Reviewers need no right of their own to take it back: whoever began the review had it. Others who
decide may do no more than they could without the review.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update

from app.access.membership import groups_containing
from app.directory import bounds, delegation, grants, members
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.members import Members
from app.directory.reviews.start import DECISIONS, check_powers
from app.directory.work import Target, Work
from app.lists.reviews import GONE, KEPT, MANAGING, MAY_RETURN, PROVIDER, REVOKED, is_over
from app.store.bulk import among
from app.store.database import db
from app.store.models import Grant, Group, Review, ReviewItem, ReviewReviewer
from app.words import any_of, say

AT_ONCE = 500
"""Most items that are decided at a time."""


def decide(
    work: Work, review_id: str, item_ids: Collection[str], decision: str, comment: str = ""
) -> int:
    """Decide some items, and return of how many that changes something.

    What was revoked stays so; what was kept can still be revoked while the review is open.

    :param decision: ``keep`` or ``revoke``.
    :raises NotFound: When there is no such review for the actor.
    :raises Forbidden: When an item is about what the actor holds, or about what they may neither
        give nor take back and they are no reviewer.
    :raises Invalid: When the review is over, or a value is out of bounds.
    :raises LastMasterAdmin: When it would leave the account without a master admin.
    """
    if decision not in DECISIONS:
        sentence = say("%(field)s must be %(what)s.", field="decision", what=any_of(DECISIONS))
        raise Invalid(sentence, field="decision")
    if len(item_ids) > AT_ONCE:
        raise Invalid(say("At most %(limit)s are decided at a time.", limit=AT_ONCE))
    comment = bounds.optional("comment", comment, bounds.TEXT_LENGTH) or ""
    review = _open_review(work, review_id)
    these = among(ReviewItem.id, item_ids)
    check_may_decide(work, review, these)
    where = (*_within(work, review_id), these)
    changes = or_(ReviewItem.decision.is_(None), ReviewItem.decision == "keep")
    items = db.session.execute(select(ReviewItem.__table__).where(*where, changes)).all()
    apply(work, review, items, decision, comment)
    return len(items)


def check_may_decide(work: Work, review: Any, these: ColumnElement[bool]) -> None:
    """Refuse an actor who may not decide about some items of a review.

    :param review: A row of ``reviews``.
    :raises Forbidden: When an item is about what the actor holds, or about what they may neither
        give nor take back and they are no reviewer.
    """
    where = (*_within(work, review.id), these)
    if work.actor.type == "user" and db.session.scalar(
        select(exists().where(*where, is_own(work.account_id, work.actor.id or "")))
    ):
        raise Forbidden(say("Nobody reviews what they hold themselves. Leave it to others."))
    if not _is_reviewer(work, review.id):
        _check_powers(work, review, where)


def is_own(account_id: str, user_id: str) -> ColumnElement[bool]:
    """Return the condition that an item is about what a user holds, also through a group."""
    inside = select(groups_containing(account_id, user_id).c.group_id)
    return or_(ReviewItem.holder_id == user_id, ReviewItem.holder_id.in_(inside))


def apply(work: Work, review: Any, items: Sequence[Any], decision: str, comment: str) -> None:
    """Carry a decision about items out, and write it down, unasked.

    :param review: A row of ``reviews``.
    :param items: Rows of ``review_items``, not revoked yet.
    """
    if not items:
        return
    outcomes = dict.fromkeys((each.id for each in items), KEPT)
    if decision == "revoke":
        outcomes = _revoke(work, review, items)
    note(work, review, decision, outcomes, comment)


def note(work: Work, review: Any, decision: str, outcomes: dict[str, str], comment: str) -> None:
    """Write a decision down.

    :param outcomes: By item.
    """
    decided = {
        "decision": decision,
        "comment": comment,
        "decided_by": work.actor.name,
        "decided_by_id": work.actor.id if work.actor.type == "user" else None,
        "decided_at": work.at,
    }
    for outcome in sorted(set(outcomes.values())):
        ids = [each for each, came in outcomes.items() if came == outcome]
        where = (*_within(work, review.id), among(ReviewItem.id, ids))
        db.session.execute(update(ReviewItem).where(*where).values(**decided, outcome=outcome))
    told = {"decision": decision, "comment": comment, "items": outcomes}
    work.record("review.decided", Target("review", review.id, review.name), after=told)


def _revoke(work: Work, review: Any, items: Sequence[Any]) -> dict[str, str]:
    """Take back what items are about, and return what came of each."""
    if review.what == "group":
        return _take_out(work, review.target_id, items)
    why = {"review": {"id": review.id, "name": review.name}}
    revoked = grants.revoke_reviewed(work, [each.id for each in items], why)
    origins = {each["id"]: each["origin"] for each in revoked}
    return {each.id: _outcome(origins.get(each.id)) for each in items}


def _outcome(origin: str | None) -> str:
    if origin is None:
        return GONE
    return MAY_RETURN if origin == "mapping" else REVOKED


def _take_out(work: Work, group_id: str, items: Sequence[Any]) -> dict[str, str]:
    """Take members out of a group, where that is ours to say."""
    columns = select(Group.display_name, Group.connection_id)
    row = db.session.execute(
        columns.where(Group.account_id == work.account_id, Group.id == group_id)
    ).first()
    if row is None:
        return dict.fromkeys((each.id for each in items), GONE)
    named = Members(
        *({each.id for each in items if each.holder_type == type_} for type_ in ("user", "group"))
    )
    there = members.those_present(work, group_id, named)
    came = PROVIDER if row.connection_id else REVOKED
    if there and came == REVOKED:
        work.may_remove_access()
        members.remove_rows(work, group_id, there)
        group = Target("group", group_id, row.display_name)
        members.note(work, "group.members_removed", {group: there})
    return {each.id: came if each.id in there.ids() else GONE for each in items}


def _open_review(work: Work, review_id: str) -> Any:
    """Return the row of a review the actor may decide in."""
    query = select(Review.__table__, is_over(work.at).label("over")).where(
        Review.account_id == work.account_id, Review.id == review_id
    )
    review = db.session.execute(query).first()
    if review is None or not _may_decide(work, review_id):
        raise NotFound("review", review_id)
    if review.over:
        raise Invalid(say("This review is over."))
    return review


def _may_decide(work: Work, review_id: str) -> bool:
    own = delegation.held(work)
    return own is None or MANAGING in own or _is_reviewer(work, review_id)


def _is_reviewer(work: Work, review_id: str) -> bool:
    query = select(ReviewReviewer.user_id).where(
        ReviewReviewer.account_id == work.account_id,
        ReviewReviewer.review_id == review_id,
        ReviewReviewer.user_id == work.actor.id,
    )
    return work.actor.type == "user" and db.session.scalar(query) is not None


def _check_powers(work: Work, review: Any, items: Sequence[ColumnElement[bool]]) -> None:
    """Refuse an actor who could not take back, without the review, what is there still."""
    if review.what == "group":
        if db.session.scalar(select(exists().where(*items))):
            check_powers(work, review.what, review.target_id)
        return
    there = select(Grant.role_id, Grant.folder_id).where(
        Grant.account_id == work.account_id, Grant.id.in_(select(ReviewItem.id).where(*items))
    )
    delegation.check_gifts(
        work, {(row.role_id, row.folder_id) for row in db.session.execute(there)}
    )


def _within(work: Work, review_id: str) -> tuple[ColumnElement[bool], ...]:
    return ReviewItem.account_id == work.account_id, ReviewItem.review_id == review_id
