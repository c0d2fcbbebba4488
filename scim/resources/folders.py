"""The Folder resource type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim2_models import Resource

from app.access.folders import paths_of
from app.directory import folders
from app.directory.folders import FolderProfile
from app.directory.work import Work
from app.store.models import Folder
from scim import queries
from scim.fields import Field
from scim.projection import Document
from scim.rendering import View
from scim.resources.kind import Kind
from scim.schemas import FOLDER


class FolderKind(Kind):
    name = "Folder"
    schema = FOLDER
    scope = "folders"
    table = Folder
    modified = Folder.__table__.c.updated_at
    version = Folder.__table__.c.version
    kept_by_put = ("parent", "restricted")
    unsearchable = frozenset({"path"})
    columns = {
        "id": Field(Folder.id, "exact"),
        "externalId": Field(Folder.external_id, "exact"),
        "displayName": Field(Folder.name_key, "folded"),
        "parent.value": Field(Folder.parent_id, "exact"),
        "restricted": Field(Folder.restricted, "boolean"),
    }

    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        rows = {row.id: row for row in view.rows(queries.folders, ids)}
        paths = paths_of(view.account_id, rows)
        return [self._document(view, rows[each], paths[each]) for each in ids if each in rows]

    def _document(self, view: View, row: Any, path: str) -> Document:
        document = view.head(self.name, [FOLDER], row)
        document["displayName"] = row.name
        if row.parent_id is not None:
            parent = {"value": row.parent_id, "$ref": view.location(self.name, row.parent_id)}
            document["parent"] = parent
        return document | {"path": path, "restricted": row.restricted}

    def insert(self, work: Work, resource: Resource[Any]) -> str:
        profile = _profile(work, resource)
        return folders.create(
            work,
            profile.parent_id or folders.root_of(work.account_id),
            profile.name,
            restricted=profile.restricted,
            external_id=profile.external_id,
        )

    def write(self, work: Work, resource: Any, expected_version: int | None = None) -> None:
        folders.replace(
            work, resource.id, _profile(work, resource), expected_version=expected_version
        )

    def delete(self, work: Work, resource_id: str, expected_version: int | None = None) -> None:
        folders.delete(work, resource_id, expected_version=expected_version)


def _profile(work: Work, resource: Any) -> FolderProfile:
    parent_id = None if resource.parent is None else resource.parent.value
    root_id = folders.root_of(work.account_id)
    return FolderProfile(
        name=resource.display_name or "",
        parent_id=parent_id if parent_id or resource.id == root_id else root_id,
        restricted=bool(resource.restricted),
        external_id=resource.external_id,
    )
