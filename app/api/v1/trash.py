"""``/trash``: users, groups and folders that were deleted, and can be brought back."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate
from werkzeug.exceptions import Forbidden

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import writing
from app.directory.errors import NotFound
from app.directory.restoring import NEEDED, restore
from app.lists import trash as lists

part = Part("trash", __name__, url_prefix="/trash", description="What was deleted.")


class TombstoneSchema(Schema):
    id = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(lists.TYPES))
    name = fields.String(
        required=True, metadata={"description": "Empty when it is forgotten what it was."}
    )
    deleted_by = fields.String(required=True)
    deleted_at = fields.AwareDateTime(required=True)
    forget_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Until when it can be brought back; null: no longer."},
    )


class TrashQuery(ListQuery):
    type = fields.String(required=True, validate=validate.OneOf(lists.TYPES))


class RestoredSchema(Schema):
    id = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(lists.TYPES))
    name = fields.String(required=True)
    left_out = fields.List(
        fields.String(), required=True, metadata={"description": "What did not come back with it."}
    )


@part.get("")
@needs(None)
@part.arguments(TrashQuery, location="query")
@part.response(200, page_schema(TombstoneSchema))
def list_deleted(query: dict[str, Any]) -> dict[str, Any]:
    """List what was deleted, the newest first. Needs what bringing it back needs."""
    type_ = query.pop("type")
    _must(NEEDED[type_])
    return plain(lists.listed(caller().account_id, type_=type_, **query))


@part.post("/<tombstone_id>/restore")
@previewable
@needs(None)
@part.response(200, RestoredSchema)
def bring_back(tombstone_id: str) -> dict[str, Any]:
    """Bring back a user, group or folder with its id, memberships and grants given by hand.

    Needs `user.manage`, `group.manage` or `folder.create_child`, by what it is of.
    """
    found = lists.one(caller().account_id, tombstone_id)
    if found is None:
        if not any(caller().may(action) for action in NEEDED.values()):
            raise Forbidden("This needs a permission to manage users, groups or folders.")
        raise NotFound("deleted user, group or folder", tombstone_id)
    _must(NEEDED[found["type"]])
    with writing() as work:
        restored = restore(work, tombstone_id)
    target = restored.target
    return {"type": target.type, "id": target.id, "name": target.name} | {
        "left_out": list(restored.left_out)
    }


def _must(action: str) -> None:
    if not caller().may(action):
        raise Forbidden(f"This needs the permission {action}.")
