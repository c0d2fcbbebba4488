"""Beginning a review: what is held is written down as it is, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, or_, select, union_all

from app.access.who import who_can
from app.directory import bounds, delegation
from app.directory.errors import Invalid, NotFound
from app.directory.work import Target, Work
from app.lists.reviews import MANAGING
from app.store.bulk import insert_rows
from app.store.database import db, table
from app.store.models import (
    Folder,
    FolderClosure,
    Grant,
    Group,
    Membership,
    NestedGroup,
    Review,
    ReviewItem,
    ReviewReviewer,
    Role,
    User,
)
from app.store.types import new_id
from app.words import any_of, say

WHAT = ("role", "folder", "group", "account_roles")
"""What is reviewed: who has a role, a role on a folder or below, is in a group, or has any role on
the account."""
DECISIONS = ("keep", "revoke")
REVIEWERS_LIMIT = 100
LONGEST = timedelta(days=400)
"""How far ahead a review may be due."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a review is to be."""

    name: str
    what: str
    """Of ``WHAT``."""
    target_id: str | None = None
    """The role, folder or group."""
    due_at: datetime
    undecided: str = "keep"
    """Of ``DECISIONS``: what becomes of what nobody has decided by then."""
    reviewers: Sequence[str] = ()
    """Ids of users; none: who manages the folder, or else who may give roles on the account."""


def start(work: Work, plan: Plan) -> str:
    """Begin a review and return its id.

    :raises Forbidden: When the actor may not take back all that is reviewed.
    :raises NotFound: When the account has no such role, folder, group or reviewer.
    :raises Invalid: When a value is out of bounds, or there is nothing to review.
    """
    delegation.check_permissions(work, {MANAGING})
    _check(work, plan)
    review_id = new_id()
    row: dict[str, Any] = {
        "account_id": work.account_id,
        "id": review_id,
        "name": bounds.required("name", plan.name),
        "what": plan.what,
        "target_id": plan.target_id,
        "target_name": _target_name(work, plan),
        "undecided": plan.undecided,
        "created_by": work.actor.name,
        "created_at": work.at,
        "due_at": plan.due_at,
    }
    db.session.execute(insert(Review), [row])
    items = _memberships(work, plan) if plan.what == "group" else _grants(work, plan)
    count = _write_items(work, review_id, items)
    # Reviewers take back by the right of whoever begins it.
    check_powers(work, plan.what, plan.target_id, ReviewItem.review_id == review_id)
    reviewers = _reviewers(work, plan)
    key = {"account_id": work.account_id, "review_id": review_id}
    insert_rows(table(ReviewReviewer), [key | {"user_id": each} for each in reviewers])
    told = {name: row[name] for name in ("what", "target_id", "target_name", "undecided")}
    told |= {"due_at": plan.due_at.isoformat(), "items": count, "reviewers": reviewers}
    work.record("review.started", Target("review", review_id, plan.name), after=told)
    return review_id


def _check(work: Work, plan: Plan) -> None:
    for field, value, among in (
        ("what", plan.what, WHAT),
        ("undecided", plan.undecided, DECISIONS),
    ):
        if value not in among:
            sentence = say("%(field)s must be %(what)s.", field=field, what=any_of(among))
            raise Invalid(sentence, field=field)
    if (plan.target_id is None) != (plan.what == "account_roles"):
        raise Invalid(say("Say which role, folder or group is reviewed."), field="target")
    if not work.at < plan.due_at <= work.at + LONGEST:
        days = LONGEST.days
        sentence = say("A review is due within the next %(days)s days.", days=days)
        raise Invalid(sentence, field="due_at")
    if len(plan.reviewers) > REVIEWERS_LIMIT:
        sentence = say("A review has %(limit)s reviewers at the most.", limit=REVIEWERS_LIMIT)
        raise Invalid(sentence, field="reviewers")


def _target_name(work: Work, plan: Plan) -> str:
    models: dict[str, tuple[Any, Any]] = {
        "role": (Role, Role.name),
        "folder": (Folder, Folder.name),
        "group": (Group, Group.display_name),
    }
    if plan.target_id is None:
        return ""
    model, name = models[plan.what]
    query = select(name).where(model.account_id == work.account_id, model.id == plan.target_id)
    found: str | None = db.session.scalar(query)
    if found is None:
        raise NotFound(plan.what, plan.target_id)
    return found


def _grants(work: Work, plan: Plan) -> Any:
    """Return the items of a review of grants, without the keys of the review."""
    if plan.what == "role":
        wanted = Grant.role_id == plan.target_id
    elif plan.what == "folder":
        below = select(FolderClosure.descendant_id).where(
            FolderClosure.account_id == work.account_id,
            FolderClosure.ancestor_id == plan.target_id,
        )
        wanted = Grant.folder_id.in_(below)
    else:
        wanted = Grant.folder_id.is_(None)
    name = func.coalesce(User.user_name, Group.display_name)
    columns = {
        "id": Grant.id,
        "kind": literal("grant"),
        "holder_type": case((Grant.user_id.is_not(None), "user"), else_="group"),
        "holder_id": func.coalesce(Grant.user_id, Grant.group_id),
        "holder_name": name,
        "holder_key": func.coalesce(User.user_name_key, Group.display_name_key),
        "role_id": Grant.role_id,
        "role_name": Role.name,
        "folder_id": Grant.folder_id,
        "folder_name": Folder.name,
        "origin": Grant.origin,
        "granted_by": Grant.granted_by,
        "reason": Grant.reason,
        "since": Grant.created_at,
        "expires_at": Grant.expires_at,
    }
    return (
        select(*(column.label(label) for label, column in columns.items()))
        .select_from(Grant)
        .join(Role, (Role.account_id == Grant.account_id) & (Role.id == Grant.role_id))
        .outerjoin(Folder, (Folder.account_id == Grant.account_id) & (Folder.id == Grant.folder_id))
        .outerjoin(User, (User.account_id == Grant.account_id) & (User.id == Grant.user_id))
        .outerjoin(Group, (Group.account_id == Grant.account_id) & (Group.id == Grant.group_id))
        .where(
            Grant.account_id == work.account_id,
            wanted,
            or_(Grant.expires_at.is_(None), Grant.expires_at > work.at),
        )
    )


def _memberships(work: Work, plan: Plan) -> Any:
    """Return the items of a review of who is in a group, without the keys of the review."""
    origin = select(Group.origin).where(
        Group.account_id == work.account_id, Group.id == plan.target_id
    )
    parts: list[Any] = []
    for type_, rows, member, model, name, key in (
        ("user", Membership, Membership.user_id, User, User.user_name, User.user_name_key),
        (
            *("group", NestedGroup, NestedGroup.member_id),
            *(Group, Group.display_name, Group.display_name_key),
        ),
    ):
        columns = {
            "id": member,
            "kind": literal("membership"),
            "holder_type": literal(type_),
            "holder_id": member,
            "holder_name": name,
            "holder_key": key,
            "origin": origin.scalar_subquery(),
            "granted_by": literal(""),
            "reason": literal(""),
            "since": rows.created_at,
        }
        parts.append(
            select(*(column.label(label) for label, column in columns.items()))
            .select_from(rows)
            .join(model, (model.account_id == rows.account_id) & (model.id == member))
            .where(rows.account_id == work.account_id, rows.group_id == plan.target_id)
        )
    return union_all(*parts)


def _write_items(work: Work, review_id: str, items: Any) -> int:
    """Write down what is held, and return how much that is."""
    found = items.subquery()
    names = [column.name for column in found.columns]
    keys = (literal(work.account_id), literal(review_id))
    db.session.execute(
        insert(table(ReviewItem)).from_select(
            ["account_id", "review_id", *names], select(*keys, *found.columns)
        )
    )
    within = (ReviewItem.account_id == work.account_id) & (ReviewItem.review_id == review_id)
    count = db.session.scalar(select(func.count()).where(within)) or 0
    if not count:
        raise Invalid(say("Nobody holds anything there: there is nothing to review."))
    this = (table(Review).c.account_id == work.account_id) & (table(Review).c.id == review_id)
    db.session.execute(table(Review).update().where(this).values(item_count=count))
    return count


def check_powers(work: Work, what: str, target_id: str | None, *items: ColumnElement[bool]) -> None:
    """Refuse an actor who could not take back all that some items of a review are about.

    :param what: Of ``WHAT``, and the id of the role, folder or group.
    :param items: The conditions that the items meet.
    :raises Forbidden: With what they lack.
    """
    if what == "group":
        assert target_id is not None
        delegation.check_permissions(work, {"group.manage"})
        delegation.check_over_group(work, target_id)
        return
    roles = select(ReviewItem.role_id).where(ReviewItem.account_id == work.account_id, *items)
    query = select(Role.__table__).where(Role.account_id == work.account_id, Role.id.in_(roles))
    for role in db.session.execute(query).all():
        delegation.check_gift_anywhere(work, role)


def _reviewers(work: Work, plan: Plan) -> list[str]:
    if plan.reviewers:
        wanted = set(plan.reviewers)
        query = select(User.id).where(User.account_id == work.account_id, User.id.in_(wanted))
        for missing in sorted(wanted - set(db.session.scalars(query))):
            raise NotFound("user", missing)
        return sorted(wanted)
    if plan.what == "folder":
        holders = who_can(work.account_id, "folder.share", plan.target_id, limit=REVIEWERS_LIMIT)
        managers = [each for each in holders if each.because[0].depth is not None]
        if managers:
            return [each.user_id for each in managers]
    admins = who_can(work.account_id, "role.assign", None, limit=REVIEWERS_LIMIT)
    return [each.user_id for each in admins]
