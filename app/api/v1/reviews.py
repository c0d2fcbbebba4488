"""``/reviews``: whether what people hold is still right (docs/reviews.md).

A person without ``role.assign`` sees and decides the reviews they are a reviewer of.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.moments import ahead
from app.api.v1.references import NamedSchema, PlacedSchema, PrincipalSchema
from app.api.v1.writing import post, writing
from app.directory.errors import existing
from app.directory.reviews import deciding, due, export, start
from app.directory.reviews.start import DECISIONS, REVIEWERS_LIMIT, WHAT, Plan
from app.directory.work import Work
from app.downloads import attachment
from app.lists import reviews as lists
from app.lists.reviews import MANAGING, OUTCOMES, STATES, ItemFilter
from app.security.requests import settings

part = Part("reviews", __name__, url_prefix="/reviews", description="Access reviews.")

BY_ID = validate.Length(1, 36)


class ReviewCountsSchema(Schema):
    """How many items are undecided, or how they are decided."""

    open = fields.Integer(required=True)
    keep = fields.Integer(required=True)
    revoke = fields.Integer(required=True)


ReviewOutcomesSchema = Schema.from_dict(
    {name: fields.Integer(required=True) for name in OUTCOMES}, name="ReviewOutcomesSchema"
)
"""Of how many items what came."""


class ReviewSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    what = fields.String(required=True, validate=validate.OneOf(WHAT))
    target = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The role, folder or group; null: all roles on the account."},
    )
    undecided = fields.String(
        required=True,
        validate=validate.OneOf(DECISIONS),
        metadata={"description": "What becomes of what nobody has decided by the end."},
    )
    state = fields.String(required=True, validate=validate.OneOf(["open", "closed"]))
    over = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether nobody decides any more: it is due, was ended early, or closed."
        },
    )
    item_count = fields.Integer(required=True)
    counts = fields.Nested(ReviewCountsSchema, required=True)
    outcomes = fields.Nested(
        ReviewOutcomesSchema,
        required=True,
        metadata={"description": "What came of those that are decided: how many of each."},
    )
    created_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When somebody ended it before it was due."},
    )
    ended_by = fields.String(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class ShownReviewSchema(ReviewSchema):
    reviewers = fields.List(
        fields.Nested(NamedSchema),
        required=True,
        metadata={"description": "By user name; those that were deleted since left out."},
    )


class ReviewItemSchema(Schema):
    """Something that somebody holds, as it was when the review began, and what came of it."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["grant", "membership"]))
    holder = fields.Nested(PrincipalSchema, required=True)
    role = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: it is being in the group."},
    )
    folder = fields.Nested(
        PlacedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: it is on the account, or being in the group."},
    )
    origin = fields.String(required=True)
    granted_by = fields.String(required=True)
    reason = fields.String(required=True)
    since = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    decision = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(DECISIONS),
        metadata={"description": "null: nobody has decided."},
    )
    outcome = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(OUTCOMES),
        metadata={
            "description": "may_return: a mapping gives it again once the provider changes the "
            "group, or the roles or entitlements of the user; provider: a provider must "
            "take them out; gone: it was there no more; refused: it would have left no master "
            "admin."
        },
    )
    comment = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_by_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: it was no person."}
    )
    decided_at = fields.AwareDateTime(required=True, allow_none=True)


class DecidedSchema(Schema):
    decided = fields.Integer(
        required=True, metadata={"description": "How many items that changed."}
    )


class NewReview(Strict):
    name = fields.String(required=True, validate=validate.Length(1, 256))
    what = fields.String(required=True, validate=validate.OneOf(WHAT))
    target_id = fields.String(
        load_default=None,
        allow_none=True,
        validate=BY_ID,
        metadata={"description": "Id of the role, folder or group; none for account_roles."},
    )
    due_at = fields.AwareDateTime(required=True, validate=ahead)
    undecided = fields.String(load_default="keep", validate=validate.OneOf(DECISIONS))
    reviewers = fields.List(
        fields.String(validate=BY_ID),
        load_default=list,
        validate=validate.Length(max=REVIEWERS_LIMIT),
        metadata={
            "description": "Ids of users; none: who manages the folder, or else who may give roles "
            "on the account."
        },
    )


class ItemQuery(ListQuery):
    state = fields.String(
        validate=validate.OneOf(STATES),
        metadata={"description": "open: not decided; otherwise how it is."},
    )
    prefix = fields.String(
        validate=validate.Length(1, 256),
        metadata={"description": "What the holder's name begins with, in any case."},
    )


class Decision(Strict):
    items = fields.List(
        fields.String(validate=BY_ID),
        required=True,
        validate=validate.Length(1, deciding.AT_ONCE),
        metadata={"description": "Their ids. Those that are not in the review change nothing."},
    )
    decision = fields.String(required=True, validate=validate.OneOf(DECISIONS))
    comment = fields.String(load_default="", validate=validate.Length(0, 1024))


@part.get("")
@needs(None)
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(ReviewSchema))
def list_reviews(query: dict[str, Any]) -> dict[str, Any]:
    """List reviews, the newest first. Without `role.assign`, those one is a reviewer of."""
    who = caller()
    page = plain(lists.listed(who.account_id, reviewer=who.sees_only(MANAGING), **query))
    return page | {"items": [_shown(each) for each in page["items"]]}


@part.post("")
@previewable
@needs(MANAGING)
@part.arguments(NewReview)
@part.response(201, ShownReviewSchema)
def start_review(body: dict[str, Any]) -> Any:
    """Begin a review: what is held now is written down. One must be able to take back all of it."""

    def begin(work: Work) -> dict[str, Any]:
        return read(start.start(work, Plan(**body)))

    return post(begin, ShownReviewSchema(), lambda review: f"/api/v1/reviews/{review['id']}")


@part.get("/<review_id>")
@needs(None)
@part.response(200, ShownReviewSchema)
def show_review(review_id: str) -> dict[str, Any]:
    """Show a review, and how far it is. Needs `role.assign`, or to be a reviewer of it."""
    return read(review_id)


@part.get("/<review_id>/items")
@needs(None)
@part.arguments(ItemQuery, location="query")
@part.response(200, page_schema(ReviewItemSchema))
def list_items(query: dict[str, Any], review_id: str) -> dict[str, Any]:
    """List what is reviewed, by the names of those who hold it.

    Needs `role.assign`, or to be a reviewer of it; a reviewer gets what others hold.
    """
    read(review_id)
    wanted = ItemFilter(
        state=query.pop("state", None),
        prefix=query.pop("prefix", None),
        not_of=caller().sees_only(MANAGING),
    )
    page = plain(lists.items(caller().account_id, review_id, wanted, **query))
    return page | {"items": [_item(each) for each in page["items"]]}


@part.post("/<review_id>/decisions")
@previewable
@needs(None)
@part.arguments(Decision)
@part.response(201, DecidedSchema)
def decide(body: dict[str, Any], review_id: str) -> Any:
    """Keep or revoke items; what is revoked is taken back at once, and stays so.

    Needs `role.assign`, or to be a reviewer of it. Nobody decides what they hold themselves.
    """

    def take(work: Work) -> dict[str, Any]:
        read(review_id)
        given = (body["items"], body["decision"], body["comment"])
        return {"decided": deciding.decide(work, review_id, *given)}

    return post(take, DecidedSchema())


@part.post("/<review_id>/end")
@previewable
@needs(MANAGING)
@part.response(201, ShownReviewSchema)
def end_review(review_id: str) -> Any:
    """End a review before it is due. What nobody has decided is decided within a minute."""

    def end(work: Work) -> dict[str, Any]:
        due.end(work, review_id)
        return read(review_id)

    return post(end, ShownReviewSchema())


@part.get("/<review_id>/export")
@needs(MANAGING)
@part.response(200, content_type="application/jsonl")
def export_review(review_id: str) -> Response:
    """Export a review with all decisions as JSON lines, the last of them a signature.

    That it was exported, and by whom, is written to the audit log.
    """
    review = read(review_id)
    with writing() as work:
        export.note(work, review_id, review["name"])
    ours = settings()
    lines = export.lines_of(
        caller().account_id, review_id, secret_key=ours.secret_key, issuer=ours.public_url
    )
    return attachment(lines, export.CONTENT_TYPE, "review.jsonl")


def read(review_id: str) -> dict[str, Any]:
    """Return what is shown of a review.

    :raises NotFound: When the account has no such review, or none that the caller may know of.
    :raises Forbidden: When the caller is a program that may see none.
    """
    account_id, reviewer = caller().account_id, caller().sees_only(MANAGING)
    found = existing(lists.one(account_id, review_id, reviewer=reviewer), "review", review_id)
    reviewers = lists.reviewers(account_id, review_id)
    named = [{"id": each.id, "name": each.user_name} for each in reviewers]
    return _shown(found) | {"reviewers": named}


def _shown(review: dict[str, Any]) -> dict[str, Any]:
    return review | {"target": _named(review["target_id"], review["target_name"])}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    holder = {name: item[f"holder_{name}"] for name in ("type", "id", "name")}
    folder_id, path = item["folder_id"], item["folder"]
    return item | {
        "holder": holder,
        "role": _named(item["role_id"], item["role_name"]),
        "folder": {"id": folder_id, "path": path} if folder_id else None,
    }


def _named(id_: str | None, name: str | None) -> dict[str, Any] | None:
    return {"id": id_, "name": name} if id_ else None
