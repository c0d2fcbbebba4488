"""Documents straight from rows, equal to what scim2-models would dump of the same resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from app.directory.users import value_entry
from app.store.database import db
from app.store.models import Group, Membership, NestedGroup, User, UserValue
from scim.projection import Document, Projection
from scim.schemas import GROUP, USER

_USER_COLUMNS = (
    User.id,
    User.user_name,
    User.external_id,
    User.display_name,
    User.active,
    User.attributes,
    User.version,
    User.created_at,
    User.updated_at,
)
_GROUP_COLUMNS = (
    Group.id,
    Group.display_name,
    Group.external_id,
    Group.attributes,
    Group.version,
    Group.created_at,
    Group.updated_at,
)


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'W/"{version}"'


class Renderer:
    """Renders the resources of one account for one response.

    What the projection does not keep and costs a query is not loaded; the rest is for
    ``Projection.apply`` to leave out.

    :param base_url: The SCIM root as the client sees it, without a slash at its end.
    :param members_limit: Leave out the members of a group that has more; None: never.
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
        rows = self._rows(select(*_USER_COLUMNS), User, ids)
        values = self._values(ids)
        groups = self._groups_of(ids) if self.projection.keeps(USER, "groups") else {}
        return [
            self._user(rows[each], values.get(each, ()), groups.get(each, []))
            for each in ids
            if each in rows
        ]

    def groups(self, ids: Sequence[str]) -> list[Document]:
        """Return the documents of groups, in the order of their ids; unknown ones are left out."""
        rows = self._rows(select(*_GROUP_COLUMNS), Group, ids)
        members = self._members_of(ids) if self.projection.keeps(GROUP, "members") else {}
        return [self._group(rows[each], members.get(each)) for each in ids if each in rows]

    def _rows(self, query: Select[Any], table: Any, ids: Sequence[str]) -> dict[str, Any]:
        found = db.session.execute(
            query.where(table.account_id == self.account_id, _in(table.id, ids))
        )
        return {row.id: row for row in found}

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

    def _values(self, ids: Sequence[str]) -> dict[str, list[Any]]:
        query = (
            select(UserValue.__table__)
            .where(UserValue.account_id == self.account_id, _in(UserValue.user_id, ids))
            .order_by(UserValue.user_id, UserValue.attribute, UserValue.position)
        )
        found: dict[str, list[Any]] = defaultdict(list)
        for row in db.session.execute(query):
            found[row.user_id].append(row)
        return found

    def _groups_of(self, ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the groups of each user: direct ones, and those that contain them."""
        reach = (
            select(Membership.user_id, Membership.group_id, literal(0).label("depth"))
            .where(Membership.account_id == self.account_id, _in(Membership.user_id, ids))
            .cte("reach", recursive=True)
        )
        # The depth is 0 or 1, so that UNION ends even where groups contain each other.
        reach = reach.union(
            select(reach.c.user_id, NestedGroup.group_id, literal(1)).where(
                NestedGroup.account_id == self.account_id,
                NestedGroup.member_id == reach.c.group_id,
            )
        )
        query = (
            select(
                reach.c.user_id,
                Group.id,
                Group.display_name,
                func.min(reach.c.depth).label("depth"),
            )
            .join(Group, Group.id == reach.c.group_id)
            .where(Group.account_id == self.account_id)
            .group_by(reach.c.user_id, Group.id, Group.display_name)
            .order_by(reach.c.user_id, Group.id)
        )
        found: dict[str, list[Document]] = defaultdict(list)
        for row in db.session.execute(query):
            found[row.user_id].append(
                {
                    "value": row.id,
                    "$ref": f"{self.base_url}/Groups/{row.id}",
                    "display": row.display_name,
                    "type": "indirect" if row.depth else "direct",
                }
            )
        return found

    def _members_of(self, ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the members of each group: users, then groups, each in order of creation."""
        found: dict[str, list[Document]] = defaultdict(list)
        for group_id in ids if self.members_limit is not None else ():
            rows = self._member_rows([group_id], self.members_limit)
            if len(rows) <= (self.members_limit or 0):
                found[group_id] = [self._member(row) for row in rows]
        if self.members_limit is None:
            for row in self._member_rows(ids, None):
                found[row.group_id].append(self._member(row))
        return found

    def _member_rows(self, ids: Sequence[str], limit: int | None) -> Sequence[Any]:
        users = select(
            Membership.group_id, literal("User").label("type"), Membership.user_id.label("id")
        ).where(Membership.account_id == self.account_id, _in(Membership.group_id, ids))
        groups = select(
            NestedGroup.group_id, literal("Group").label("type"), NestedGroup.member_id.label("id")
        ).where(NestedGroup.account_id == self.account_id, _in(NestedGroup.group_id, ids))
        if self.projection.names_members:
            name = func.coalesce(User.display_name, User.user_name).label("display")
            users = users.add_columns(name).join(
                User, (User.account_id == Membership.account_id) & (User.id == Membership.user_id)
            )
            groups = groups.add_columns(Group.display_name.label("display")).join(
                Group,
                (Group.account_id == NestedGroup.account_id) & (Group.id == NestedGroup.member_id),
            )
        if limit is not None:
            users, groups = users.limit(limit + 1), groups.limit(limit + 1)
            return [*db.session.execute(users), *db.session.execute(groups)]
        both = union_all(users, groups)
        return db.session.execute(
            both.order_by("group_id", both.selected_columns.type.desc(), "id")
        ).all()

    def _member(self, row: Any) -> Document:
        member = {
            "value": row.id,
            "$ref": f"{self.base_url}/{row.type}s/{row.id}",
            "type": row.type,
        }
        return member | {"display": row.display} if self.projection.names_members else member


def timestamp(moment: datetime) -> str:
    """Return a dateTime (RFC 7643 §2.3.5), in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _in(column: Any, ids: Sequence[str]) -> Any:
    return column == ids[0] if len(ids) == 1 else column.in_(ids)
