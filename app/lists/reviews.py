"""Access reviews, how far each is, and what there is to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, union_all

from app.access.folders import paths_of
from app.access.membership import groups_containing, groups_containing_each
from app.lists.paging import Order, Page, page_of
from app.lists.texts import begins_with
from app.store.database import db
from app.store.models import Review, ReviewItem, ReviewReviewer, User
from app.store.types import now

NEWEST_FIRST = Order("created_at", Review.id, Review.id, descending=True)
BY_HOLDER = Order("holder", ReviewItem.holder_key, ReviewItem.id)
SHOWN = (
    *("id", "name", "what", "target_id", "target_name", "undecided", "state", "item_count"),
    *("created_by", "created_at", "due_at", "ended_at", "ended_by", "closed_at"),
)
ITEM = (
    *("id", "kind", "holder_type", "holder_id", "holder_name", "role_id", "role_name"),
    *("folder_id", "folder_name", "origin", "granted_by", "reason", "since", "expires_at"),
    *("decision", "outcome", "comment", "decided_by", "decided_by_id", "decided_at"),
)
STATES = ("open", "keep", "revoke")
KEPT = "kept"
REVOKED = "revoked"
MAY_RETURN = "may_return"
"""It was taken back, but a mapping gave it, and gives it again once the provider changes the group,
or the roles or entitlements of the user."""
PROVIDER = "provider"
"""Who is in the group is said by a provider, which must take them out."""
GONE = "gone"
"""It was not there any more."""
REFUSED = "refused"
"""It would have left no master admin."""
OUTCOMES = (KEPT, REVOKED, MAY_RETURN, PROVIDER, GONE, REFUSED)
"""What came of a decision."""
MANAGING = "role.assign"
"""The permission to see all reviews, and to begin and end them."""
AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """Which items are wanted; what is None is not asked."""

    state: str | None = None
    """Of ``STATES``: not decided, or how."""
    prefix: str | None = None
    """What the holder's name begins with, in any case."""
    not_of: str | None = None
    """Id of a user: without what they hold themselves, also through groups."""


def is_over(at: datetime) -> ColumnElement[bool]:
    """Return whether nothing is decided any more by people: it is closed, was ended, or is due."""
    return or_(Review.state != "open", Review.ended_at.is_not(None), Review.due_at <= at)


def standing(review: Mapping[str, Any]) -> str:
    """Return how a review stands: ``open``, ``closing`` or ``closed``.

    ``closing``: it is over, and what nobody has decided is about to be.
    """
    if not review["over"]:
        return "open"
    return "closing" if review["state"] == "open" else "closed"


def listed(
    account_id: str, *, reviewer: str | None = None, cursor: str | None = None, limit: int = 100
) -> Page[dict[str, Any]]:
    """Return a page of reviews, the newest first.

    :param reviewer: Id of a user: only those they are a reviewer of.
    :raises BadCursor: When the cursor is none of this list.
    """
    query = _query(account_id)
    if reviewer is not None:
        query = query.where(Review.id.in_(_reviewed_by(account_id, reviewer)))
    return page_of(
        query, NEWEST_FIRST, lambda rows: _documents(account_id, rows), cursor=cursor, limit=limit
    )


def one(account_id: str, review_id: str, *, reviewer: str | None = None) -> dict[str, Any] | None:
    """Return a review with the names of its ``reviewers``; None where there is none.

    :param reviewer: Id of a user: None, too, where they are no reviewer of it.
    """
    query = _query(account_id).where(Review.id == review_id)
    if reviewer is not None:
        query = query.where(Review.id.in_(_reviewed_by(account_id, reviewer)))
    row = db.session.execute(query).first()
    if row is None:
        return None
    (found,) = _documents(account_id, [row])
    return found | {"reviewers": [each.user_name for each in reviewers(account_id, review_id)]}


def reviewers(account_id: str, review_id: str) -> list[Any]:
    """Return the reviewers of a review, by name: rows of ``id``, ``user_name`` and ``active``."""
    query = (
        select(User.id, User.user_name, User.active)
        .join(
            ReviewReviewer,
            (ReviewReviewer.account_id == User.account_id) & (ReviewReviewer.user_id == User.id),
        )
        .where(ReviewReviewer.account_id == account_id, ReviewReviewer.review_id == review_id)
    )
    return list(db.session.execute(query.order_by(User.user_name_key)))


def has_open(account_id: str, review_id: str, user_id: str) -> bool:
    """Tell whether there is something left that a user may decide."""
    wanted = ItemFilter(state="open", not_of=user_id)
    where = _conditions(account_id, review_id, wanted)
    return db.session.scalar(select(ReviewItem.id).where(*where).limit(1)) is not None


def left_to_others(account_id: str, review_id: str) -> int:
    """Return of how much none of the reviewers may decide, as each holds it, also by a group."""
    of = (ReviewReviewer.account_id == account_id, ReviewReviewer.review_id == review_id)
    who = select(ReviewReviewer.user_id).where(*of)
    inside = groups_containing_each(account_id, who)
    own = union_all(
        select(ReviewReviewer.user_id.label("holder_id")).where(*of), select(inside.c.group_id)
    ).subquery()
    everybody = select(func.count()).where(*of).scalar_subquery()
    of_all = select(own.c.holder_id).group_by(own.c.holder_id).having(func.count() == everybody)
    where = (*_conditions(account_id, review_id, ItemFilter()), ReviewItem.holder_id.in_(of_all))
    return db.session.scalar(select(func.count()).where(*where)) or 0


def items(
    account_id: str,
    review_id: str,
    wanted: ItemFilter,
    *,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[dict[str, Any]]:
    """Return a page of what a review is about, by the names of those who hold it.

    :raises BadCursor: When the cursor is none of this list.
    """
    columns = [getattr(ReviewItem, name) for name in (*ITEM, "holder_key")]
    query = select(*columns).where(*_conditions(account_id, review_id, wanted))
    return page_of(
        query, BY_HOLDER, lambda rows: _items(account_id, rows), cursor=cursor, limit=limit
    )


def every_item(account_id: str, review_id: str) -> Iterator[dict[str, Any]]:
    """Return all of them, with some in memory. No transaction stays open between two pages."""
    cursor: str | None = None
    while True:
        page = items(account_id, review_id, ItemFilter(), cursor=cursor, limit=AT_ONCE)
        db.session.rollback()
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _query(account_id: str) -> Select[*tuple[Any, ...]]:
    columns = [getattr(Review, name) for name in SHOWN]
    over = is_over(now()).label("over")
    return select(*columns, over).where(Review.account_id == account_id)


def _reviewed_by(account_id: str, user_id: str) -> Select[str]:
    return select(ReviewReviewer.review_id).where(
        ReviewReviewer.account_id == account_id, ReviewReviewer.user_id == user_id
    )


def _documents(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    query = (
        select(
            *(ReviewItem.review_id, ReviewItem.decision, ReviewItem.outcome),
            func.count().label("number"),
        )
        .where(
            ReviewItem.account_id == account_id,
            ReviewItem.review_id.in_([row.id for row in rows]),
        )
        .group_by(ReviewItem.review_id, ReviewItem.decision, ReviewItem.outcome)
    )
    counts = {row.id: dict.fromkeys(STATES, 0) for row in rows}
    outcomes = {row.id: dict.fromkeys(OUTCOMES, 0) for row in rows}
    for found in db.session.execute(query):
        counts[found.review_id][found.decision or "open"] += found.number
        if found.outcome is not None:
            outcomes[found.review_id][found.outcome] += found.number
    return [
        dict(row._mapping) | {"counts": counts[row.id], "outcomes": outcomes[row.id]}
        for row in rows
    ]


def _conditions(account_id: str, review_id: str, wanted: ItemFilter) -> list[ColumnElement[bool]]:
    found = [ReviewItem.account_id == account_id, ReviewItem.review_id == review_id]
    if wanted.state == "open":
        found.append(ReviewItem.decision.is_(None))
    elif wanted.state is not None:
        found.append(ReviewItem.decision == wanted.state)
    if wanted.prefix:
        found.append(begins_with(ReviewItem.holder_key, wanted.prefix))
    if wanted.not_of is not None:
        inside = select(groups_containing(account_id, wanted.not_of).c.group_id)
        found += [ReviewItem.holder_id != wanted.not_of, ReviewItem.holder_id.not_in(inside)]
    return found


def _items(account_id: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    paths = paths_of(account_id, {row.folder_id for row in rows if row.folder_id})
    return [
        {name: row._mapping[name] for name in ITEM}
        | {"folder": paths.get(row.folder_id, row.folder_name) if row.folder_id else None}
        for row in rows
    ]
