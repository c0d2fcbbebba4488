"""The Grant resource type: a role of a user or a group, on a folder or on the account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select

from app.access.folders import paths_of
from app.directory import grants, roles
from app.directory.work import Work
from app.store.models import Grant, Role
from scim import queries
from scim.fields import NOTHING, Field
from scim.projection import Document
from scim.rendering import View
from scim.resources.kind import Kind
from scim.schemas import GRANT

_ROLE_KEY = (
    select(Role.name_key)
    .where(Role.account_id == Grant.account_id, Role.id == Grant.role_id)
    .correlate(Grant)
    .scalar_subquery()
)


class GrantKind(Kind):
    name = "Grant"
    schema = GRANT
    scope = "grants"
    table = Grant
    modified = func.coalesce(Grant.updated_at, Grant.created_at)
    version = Grant.__table__.c.version
    fixed = ("principal", "folder")
    unsearchable = frozenset({"principal.display", "folder.display"})
    columns = {
        "id": Field(Grant.id, "exact"),
        "externalId": Field(Grant.external_id, "exact"),
        "principal.value": Field(func.coalesce(Grant.user_id, Grant.group_id), "exact"),
        "principal.type": Field(case((Grant.user_id.is_(None), "group"), else_="user"), "folded"),
        "principal.$ref": NOTHING,
        "role": Field(_ROLE_KEY, "folded"),
        "folder.value": Field(Grant.folder_id, "exact"),
        "folder.$ref": NOTHING,
        "notBefore": Field(Grant.not_before, "time"),
        "expiresAt": Field(Grant.expires_at, "time"),
        "reason": Field(Grant.reason, "text"),
        "origin": Field(Grant.origin, "folded"),
        "grantedBy": Field(Grant.granted_by, "text"),
    }

    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        rows = {row.id: row for row in view.rows(queries.grants, ids)}
        paths = paths_of(view.account_id, {row.folder_id for row in rows.values() if row.folder_id})
        return [self._document(view, rows[each], paths) for each in ids if each in rows]

    def _document(self, view: View, row: Any, paths: dict[str, str]) -> Document:
        document = view.head(self.name, [GRANT], row)
        type_, holder_id = ("User", row.user_id) if row.user_id else ("Group", row.group_id)
        document["principal"] = {
            "value": holder_id,
            "$ref": view.location(type_, holder_id),
            "type": type_,
            "display": row.holder,
        }
        document["role"] = row.role_name
        if row.folder_id is not None:
            document["folder"] = {
                "value": row.folder_id,
                "$ref": view.location("Folder", row.folder_id),
                "display": paths[row.folder_id],
            }
        if row.not_before is not None:
            document["notBefore"] = row.not_before
        if row.expires_at is not None:
            document["expiresAt"] = row.expires_at
        if row.reason:
            document["reason"] = row.reason
        return document | {"origin": row.origin, "grantedBy": row.granted_by}

    def insert(self, work: Work, resource: Any) -> str:
        principal = resource.principal
        folder_id = None if resource.folder is None else resource.folder.value
        role_id = roles.find(
            work.account_id, "folder" if folder_id else "account", resource.role or ""
        )
        given = grants.give(
            work,
            grants.principal_with_id(work.account_id, principal.value, principal.type),
            role_id,
            folder_id,
            reason=resource.reason or "",
            not_before=resource.not_before,
            expires_at=resource.expires_at,
            external_id=resource.external_id,
        )
        return given.id

    def write(self, work: Work, resource: Any, expected_version: int | None = None) -> None:
        grants.change(
            work,
            resource.id,
            reason=resource.reason or "",
            not_before=resource.not_before,
            expires_at=resource.expires_at,
            external_id=resource.external_id,
            expected_version=expected_version,
        )

    def delete(self, work: Work, resource_id: str, expected_version: int | None = None) -> None:
        grants.revoke(work, resource_id, expected_version=expected_version)
