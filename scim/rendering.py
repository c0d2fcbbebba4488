"""Documents straight from rows, equal to what scim2-models would dump of the same resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select

from app.directory.users import value_entry
from app.store.database import db
from scim import queries
from scim.projection import Document, Projection
from scim.schemas import GROUP, USER


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'W/"{version}"'


class Renderer:
    """Renders the resources of one account for one response.

    What the projection does not keep and costs a query is not loaded; the rest is for
    ``Projection.apply`` to leave out.

    :param base_url: The SCIM root as the client sees it, without a slash at its end.
    :param members_limit: Leave out the members of the one group if it has more; None: never.
    """

    def __init__(
        self,
        account_id: str,
        base_url: str,
        projection: Projection | None = None,
        members_limit: int | None = None,
    ) -> None:
        self.account_id = account_id
        self.base_url = base_url
        self.projection = projection or Projection()
        self.members_limit = members_limit

    def users(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of users, in the order of their ids; unknown ones are left out."""
        rows = {row.id: row for row in self._rows(queries.users(), ids)}
        values = self._by_owner(queries.values_of_users(), ids, "user_id")
        groups = self._groups_of(ids) if self.projection.keeps(USER, "groups") else {}
        return [
            self._user(rows[each], values.get(each, ()), groups.get(each, []))
            for each in ids
            if each in rows
        ]

    def groups(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of groups, in the order of their ids; unknown ones are left out."""
        rows = {row.id: row for row in self._rows(queries.groups(), ids)}
        members = self._members_of(ids) if self.projection.keeps(GROUP, "members") else {}
        return [self._group(rows[each], members.get(each)) for each in ids if each in rows]

    def _rows(self, query: Select[Any], ids: Sequence[str]) -> Sequence[Any]:
        return db.session.execute(query, {"account_id": self.account_id, "ids": ids}).all()

    def _by_owner(self, query: Select[Any], ids: Sequence[str], owner: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for row in self._rows(query, ids):
            found[getattr(row, owner)].append(row)
        return found

    def _user(self, row: Any, values: Iterable[Any], groups: list[Document]) -> Document:
        extensions = [key for key in row.attributes if key.startswith("urn:")]
        document: Document = {"schemas": [USER, *extensions], "id": row.id}
        if row.external_id:
            document["externalId"] = row.external_id
        document["meta"] = self._meta("User", row)
        document["userName"] = row.user_name
        if row.display_name is not None:
            document["displayName"] = row.display_name
        if row.active is not None:
            document["active"] = row.active
        document.update(row.attributes)
        for value in values:
            document.setdefault(value.attribute, []).append(value_entry(value))
        if groups:
            document["groups"] = groups
        return document

    def _group(self, row: Any, members: list[Document] | None) -> Document:
        document: Document = {"schemas": [GROUP], "id": row.id}
        if row.external_id:
            document["externalId"] = row.external_id
        document["meta"] = self._meta("Group", row)
        document["displayName"] = row.display_name
        document.update(row.attributes)
        if members:
            document["members"] = members
        return document

    def _meta(self, name: str, row: Any) -> Document:
        return {
            "resourceType": name,
            "created": timestamp(row.created_at),
            "lastModified": timestamp(row.updated_at),
            "location": f"{self.base_url}/{name}s/{row.id}",
            "version": etag(row.version),
        }

    def _groups_of(self, ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the groups of each user: direct ones, and those that contain them."""
        found = self._by_owner(queries.groups_of_users(), ids, "user_id")
        return {
            user_id: [self._group_of_user(row) for row in rows] for user_id, rows in found.items()
        }

    def _group_of_user(self, row: Any) -> Document:
        return {
            "value": row.id,
            "$ref": f"{self.base_url}/Groups/{row.id}",
            "display": row.display_name,
            "type": "indirect" if row.depth else "direct",
        }

    def _members_of(self, ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the members of each group: users, then groups, each in order of creation."""
        found: dict[str, list[Document]] = defaultdict(list)
        named, limit = self.projection.names_members, self.members_limit
        for kind, query in (
            ("User", queries.users_in_groups(named)),
            ("Group", queries.groups_in_groups(named)),
        ):
            if limit is not None:
                query = query.limit(limit + 1)
            for row in self._rows(query, ids):
                found[row.group_id].append(self._member(kind, row))
        if limit is not None:
            return {key: members for key, members in found.items() if len(members) <= limit}
        return found

    def _member(self, kind: str, row: Any) -> Document:
        member = {"value": row.id, "$ref": f"{self.base_url}/{kind}s/{row.id}", "type": kind}
        return member | {"display": row.display} if self.projection.names_members else member


def timestamp(moment: datetime) -> str:
    """Return a dateTime (RFC 7643 §2.3.5), in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
