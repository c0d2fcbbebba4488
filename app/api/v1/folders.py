"""``/folders``: the tree, and what is done to it.

What a person may do is asked folder by folder: a manager of a folder needs no role on the account.
A folder they may not see does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import Caller, caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import etag, expected_version, post, writing
from app.directory import folders
from app.directory.errors import existing
from app.directory.folders import FolderProfile
from app.lists import folders as lists

part = Part("folders", __name__, url_prefix="/folders", description="The tree of folders.")

SEEN = "folder.view"


class FolderSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    path = fields.String(required=True, metadata={"description": "Such as /Brand/2026."})
    parent_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: it is the root."}
    )
    restricted = fields.Boolean(
        required=True, metadata={"description": "Grants above do not reach it."}
    )
    external_id = fields.String(required=True, allow_none=True)
    has_folders = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class FolderQuery(ListQuery):
    parent = fields.String(
        validate=validate.Length(1, 36), metadata={"description": "Only those right in this one."}
    )
    prefix = fields.String(
        validate=validate.Length(1, 256), metadata={"description": "How the name begins."}
    )


class NewFolder(Strict):
    name = fields.String(required=True, validate=validate.Length(1, 256))
    parent_id = fields.String(
        validate=validate.Length(1, 36), metadata={"description": "Without it: the root."}
    )
    restricted = fields.Boolean(load_default=False)
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))


class FolderChange(Strict):
    name = fields.String(validate=validate.Length(1, 256))
    parent_id = fields.String(
        validate=validate.Length(1, 36), metadata={"description": "Moves it there."}
    )
    restricted = fields.Boolean()
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))


@part.get("")
@needs(None)
@part.arguments(FolderQuery, location="query")
@part.response(200, page_schema(FolderSchema))
def list_folders(query: dict[str, Any]) -> dict[str, Any]:
    """List folders by name.

    Who may not see every folder asks with `parent`, for what lies in a folder they see.
    """
    who = caller()
    if not who.may(SEEN):
        # Without it the whole tree would be looked through.
        query.setdefault("parent", folders.root_of(who.account_id))
        who.must(SEEN, query["parent"])
    page = plain(lists.listed(who.account_id, **query))
    page["items"] = [each for each in page["items"] if _is_seen(who, each)]
    return page


@part.post("")
@previewable
@needs(None)
@part.arguments(NewFolder)
@part.response(201, FolderSchema)
def create_folder(body: dict[str, Any]) -> Any:
    """Add a folder. Grants on those above reach it."""
    who = caller()
    parent_id = body.pop("parent_id", None) or folders.root_of(who.account_id)
    who.must("folder.create_child", parent_id)
    if body["restricted"]:
        who.must("folder.restrict", parent_id)
    return post(
        lambda work: read(work.account_id, folders.create(work, parent_id, **body)),
        FolderSchema(),
        lambda folder: f"/api/v1/folders/{folder['id']}",
    )


@part.get("/<folder_id>")
@needs(None)
@part.response(200, FolderSchema)
def show_folder(folder_id: str) -> Any:
    """Show a folder."""
    who = caller()
    who.must(SEEN, folder_id)
    folder = read(who.account_id, folder_id)
    return folder, etag(folder)


@part.patch("/<folder_id>")
@previewable
@needs(None)
@part.arguments(FolderChange)
@part.response(200, FolderSchema)
def change_folder(body: dict[str, Any], folder_id: str) -> Any:
    """Rename, move, restrict or open a folder.

    With the header `Prefer: dry-run` it tells who would gain and lose what, and changes nothing.
    """
    with writing() as work:
        stored = folders.profile_of(work.account_id, folder_id)
        _check_change(caller(), folder_id, stored, body)
        profile = replace(stored, **body)
        folders.replace(work, folder_id, profile, expected_version=expected_version())
        folder = read(work.account_id, folder_id)
    return folder, etag(folder)


@part.delete("/<folder_id>")
@previewable
@needs(None)
@part.response(204)
def delete_folder(folder_id: str) -> None:
    """Delete a folder that holds no other, with the grants and mappings on it."""
    caller().must("folder.delete", folder_id)
    with writing() as work:
        folders.delete(work, folder_id, expected_version=expected_version())


def read(account_id: str, folder_id: str) -> dict[str, Any]:
    """Return what is shown of a folder.

    :raises NotFound: When the account has no such folder.
    """
    return existing(lists.one(account_id, folder_id), "folder", folder_id)


def _check_change(who: Caller, folder_id: str, stored: FolderProfile, body: dict[str, Any]) -> None:
    who.must(SEEN, folder_id)
    if body.get("parent_id", stored.parent_id) != stored.parent_id:
        who.must("folder.move", folder_id)
        who.must("folder.create_child", body["parent_id"])
    if body.get("restricted", stored.restricted) != stored.restricted:
        who.must("folder.restrict", folder_id)
    if body.keys() - {"parent_id", "restricted"} or not body:
        who.must("folder.rename", folder_id)


def _is_seen(who: Caller, folder: dict[str, Any]) -> bool:
    """Tell whether somebody who sees the parent sees a folder: it may be restricted."""
    return not folder["restricted"] or who.may(SEEN, folder["id"])
