"""The directory as a SCIM storage: one account, read and written through SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from scim2_models import (
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.conditions import opaque_tag
from scim2_server.storage import ScimStorage, SearchPage
from sqlalchemy import select

from app.directory import groups, memberships, users
from app.directory.errors import DirectoryError
from app.directory.work import Actor, Work, transaction
from app.store.database import db
from app.store.models import Group, User
from scim import search
from scim.casting import group_profile, user_write
from scim.errors import scim_exception
from scim.projection import Document, Projection
from scim.rendering import Renderer

TABLES: dict[str, type[User] | type[Group]] = {"User": User, "Group": Group}


class DirectoryStorage(ScimStorage):
    """Users and groups of one account.

    What the protocol reads is a *document*, rendered straight from rows; a pydantic resource is
    made of it only where a PUT or PATCH must be applied to one.

    :param base_url: The SCIM root as the client sees it, without a slash at its end.
    """

    supports_cursors = True

    def __init__(
        self, provider: ScimProvider, account_id: str, actor: Actor, base_url: str
    ) -> None:
        self.provider = provider
        self.account_id = account_id
        self.actor = actor
        self.base_url = base_url
        self._work: Work | None = None

    # -- Transactions ---------------------------------------------------

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Enclose one operation that writes: everything of it is kept, or nothing.

        :raises SCIMException: When the directory refuses.
        """
        if self._work is not None:
            yield
            return
        try:
            with transaction(self.account_id, self.actor) as self._work:
                yield
        except DirectoryError as error:
            raise scim_exception(error) from error
        finally:
            self._work = None

    @property
    def work(self) -> Work:
        if self._work is None:
            raise RuntimeError("a write outside of operation()")
        return self._work

    # -- Documents ------------------------------------------------------

    def document(
        self,
        resource_type: ResourceType,
        resource_id: str,
        projection: Projection | None = None,
        members_limit: int | None = None,
    ) -> Document:
        """Return one resource as it is sent.

        :raises NotFoundException: When the account has no such resource of this type.
        """
        found = self._render(resource_type, [resource_id], projection, members_limit)
        if not found:
            raise NotFoundException(detail=f"{resource_type.name} {resource_id!r} not found")
        return found[0]

    def page(
        self,
        resource_types: Sequence[ResourceType],
        request: SearchRequest[Any],
        projection: Projection,
        position: Any = None,
    ) -> tuple[search.Page, list[Document]]:
        """Return one page of the matching resources, and their documents."""
        searched = [
            search.Searched(str(each.name), TABLES[str(each.name)], self.model(each))
            for each in resource_types
        ]
        page = search.find(self.account_id, searched, request, position)
        documents = {
            document["id"]: document
            for each in resource_types
            for document in self._render(
                each, [id_ for name, id_ in page.found if name == each.name], projection, None
            )
        }
        return page, [documents[id_] for _, id_ in page.found if id_ in documents]

    def version(self, resource_type: ResourceType, resource_id: str) -> int:
        """Return the version of a resource, without loading it.

        :raises NotFoundException: When the account has no such resource of this type.
        """
        table = TABLES[str(resource_type.name)]
        query = select(table.version).where(
            table.account_id == self.account_id, table.id == resource_id
        )
        version = db.session.scalar(query)
        if version is None:
            raise NotFoundException(detail=f"{resource_type.name} {resource_id!r} not found")
        return version

    def _render(
        self,
        resource_type: ResourceType,
        ids: list[str],
        projection: Projection | None,
        members_limit: int | None,
    ) -> list[Document]:
        if not ids:
            return []
        renderer = Renderer(self.account_id, self.base_url, projection, members_limit)
        return renderer.users(ids) if resource_type.name == "User" else renderer.groups(ids)

    def model(self, resource_type: ResourceType) -> type[Resource[Any]]:
        return cast(type[Resource[Any]], self.provider.model_for(resource_type))

    # -- Writes ---------------------------------------------------------

    def insert(
        self, resource_type: ResourceType, resource: Resource[Any], member_ids: Iterable[str]
    ) -> str:
        """Add a resource and return its id."""
        with self.operation():
            if resource_type.name == "User":
                write = user_write(resource)
                if write.profile.active is None:
                    write.profile.active = True
                return users.create(self.work, write.profile, password=write.password)
            group_id = groups.create(self.work, group_profile(resource))
            memberships.add(self.work, group_id, member_ids)
            return group_id

    def write_user(self, resource: Resource[Any], expected_version: int | None = None) -> None:
        """Make a stored user what the resource says."""
        user_id = cast(str, resource.id)
        with self.operation():
            write = user_write(resource)
            users.replace(
                self.work,
                user_id,
                write.profile,
                password=write.password,
                expected_version=expected_version,
            )

    def set_members(self, group_id: str, member_ids: Iterable[str]) -> None:
        """Make the members of a group exactly these."""
        with self.operation():
            memberships.set_members(self.work, group_id, member_ids)

    def write_group(self, resource: Resource[Any], expected_version: int | None = None) -> None:
        """Make a stored group what the resource says, but for its members."""
        with self.operation():
            groups.replace(
                self.work,
                cast(str, resource.id),
                group_profile(resource),
                expected_version=expected_version,
            )

    # -- The promises of ScimStorage --------------------------------------

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        document = self.document(resource_type, resource_id, Projection(response_parameters))
        return self._resource(resource_type, document)

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        page, documents = self.page(resource_types, search_request, Projection(), position)
        types = {str(each.name): each for each in resource_types}
        resources = [
            self._resource(types[document["meta"]["resourceType"]], document)
            for document in documents
        ]
        return SearchPage(page.total, resources, page.next, page.previous)

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        with self.operation():
            created = self.insert(resource_type, resource, _member_ids(resource))
            return self.get(resource_type, created)

    def update(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        *,
        expected_version: str | None = None,
    ) -> Resource[Any]:
        version = _version_number(expected_version)
        resource_id = cast(str, resource.id)
        with self.operation():
            if resource_type.name == "User":
                self.write_user(resource, version)
            else:
                self.write_group(resource, version)
                self.set_members(resource_id, _member_ids(resource))
            return self.get(resource_type, resource_id)

    def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        remove = users.delete if resource_type.name == "User" else groups.delete
        with self.operation():
            self.version(resource_type, resource_id)
            remove(self.work, resource_id, expected_version=_version_number(expected_version))

    def _resource(self, resource_type: ResourceType, document: Document) -> Resource[Any]:
        meta = {key: item for key, item in document["meta"].items() if key != "location"}
        return self.model(resource_type).model_validate(document | {"meta": meta})


def _member_ids(resource: Resource[Any]) -> list[str]:
    members = getattr(resource, "members", None) or []
    return [member.value for member in members if member.value]


def _version_number(version: str | None) -> int | None:
    """Return the number in an entity tag.

    :raises PreconditionFailedException: When the tag is none of ours, so matches nothing.
    """
    if version is None:
        return None
    tag = opaque_tag(version)
    if not tag.isascii() or not tag.isdigit() or len(tag) > 18:
        raise PreconditionFailedException
    return int(tag)
