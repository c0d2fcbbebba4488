"""The directory as a SCIM storage: one account, read and written through SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, cast

from scim2_models import (
    Error,
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
from sqlalchemy import bindparam, select

from app.directory import memberships, preview, undeclared
from app.directory.errors import DirectoryError
from app.directory.work import Actor, Target, Work, transaction
from app.store.prepared import Prepared
from app.store.types import Id
from app.words import say
from scim import search
from scim.columns import Columns
from scim.errors import scim_exception
from scim.journal import Journal
from scim.projection import Document, Projection
from scim.rendering import View
from scim.resources import KINDS
from scim.resources.groups import member_ids
from scim.resources.kind import Kind
from scim.unknown import Unknown


class DirectoryStorage(ScimStorage):
    """The resources of one account.

    What the protocol reads is a *document*, rendered straight from rows; a pydantic resource is
    made of it only where a PUT or PATCH must be applied to one.

    :param base_url: The SCIM root as the client sees it, without a slash at its end.
    :param journal: Where what is written is noted for the provisioning log.
    :param keeps_unknown: Whether the account keeps attributes no schema declares.
    :param previewed: Write into this work, of which nothing is kept, and note nothing.
    """

    supports_cursors = True

    def __init__(
        self,
        provider: ScimProvider,
        account_id: str,
        actor: Actor,
        base_url: str,
        journal: Journal | None = None,
        previewed: Work | None = None,
        keeps_unknown: bool = False,
    ) -> None:
        self.provider = provider
        self.account_id = account_id
        self.actor = actor
        self.base_url = base_url
        self.journal = journal
        self.keeps_unknown = keeps_unknown
        self._previewed = previewed
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
            with self._transaction() as self._work:
                yield
                if self.journal is not None and self._previewed is None:
                    self.journal.write(self._work)
        except DirectoryError as error:
            raise scim_exception(error) from error
        finally:
            self._work = None

    def _transaction(self) -> AbstractContextManager[Work]:
        if self._previewed is not None:
            return preview.part(self._previewed)
        return transaction(self.account_id, self.actor)

    @property
    def is_preview(self) -> bool:
        """Whether nothing that is written is kept."""
        return self._previewed is not None

    @property
    def work(self) -> Work:
        if self._work is None:
            raise RuntimeError("a write outside of operation()")
        return self._work

    # -- The provisioning log --------------------------------------------

    def about(
        self, resource_type: ResourceType, resource_id: str | None, payload: Any = None
    ) -> None:
        """Note which resource the request is about."""
        if self.journal is not None:
            self.journal.about(str(resource_type.name), resource_id, payload)

    def note_failure(self, error: Error) -> None:
        """Note that the request failed."""
        if self.journal is not None and self._previewed is None:
            self.journal.write_failure(error)

    def keep_unknown(
        self, resource_type: ResourceType, resource_id: str, found: Unknown, *, replace: bool
    ) -> None:
        """Keep what no schema declares, or let it go, as the account chose; and note it."""
        kept = self.keeps_unknown and kind_of(resource_type).keeps_unknown
        self.about(resource_type, resource_id)
        if self.journal is not None:
            word = "kept" if kept else "ignored"
            self.journal.notes += [{word: name} for name in found.values]
            self.journal.notes += [{"ignored": part} for part in found.parts]
        if kept and (found.values or replace):
            target = Target(str(resource_type.name).lower(), resource_id)
            undeclared.keep(self.work, target, found.values, replace=replace)

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
            raise NotFoundException(
                detail=say("%(type)s %(id)r not found", type=resource_type.name, id=resource_id)
            )
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
            Columns(kind_of(each), self.account_id, self.model(each)) for each in resource_types
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

    def version(self, resource_type: ResourceType, resource_id: str) -> int | None:
        """Return the version of a resource, without loading it; None where none is kept.

        :raises NotFoundException: When the account has no such resource of this type.
        """
        kind = kind_of(resource_type)
        if kind.version is None:
            self.document(resource_type, resource_id)
            return None
        version: int | None = _version_of(kind.name).scalar(
            account_id=self.account_id, id=resource_id
        )
        if version is None:
            raise NotFoundException(
                detail=say("%(type)s %(id)r not found", type=resource_type.name, id=resource_id)
            )
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
        view = View(self.account_id, self.base_url, projection, members_limit)
        return kind_of(resource_type).documents(view, ids)

    def model(self, resource_type: ResourceType) -> type[Resource[Any]]:
        return cast(type[Resource[Any]], self.provider.model_for(resource_type))

    # -- Writes ---------------------------------------------------------

    def insert(
        self, resource_type: ResourceType, resource: Resource[Any], member_ids: Iterable[str] = ()
    ) -> str:
        """Add a resource and return its id.

        :param member_ids: More members of a group than the resource lists.
        """
        with self.operation():
            created = kind_of(resource_type).insert(self.work, resource)
            if member_ids:
                memberships.add(self.work, created, member_ids)
            return created

    def write(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        expected_version: int | None = None,
    ) -> None:
        """Make a stored resource what this one says, but for the members of a group."""
        with self.operation():
            kind_of(resource_type).write(self.work, resource, expected_version)

    def set_members(self, group_id: str, member_ids: Iterable[str]) -> None:
        """Make the members of a group exactly these."""
        with self.operation():
            memberships.set_members(self.work, group_id, member_ids)

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
            created = self.insert(resource_type, resource)
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
            self.write(resource_type, resource, version)
            if kind_of(resource_type).has_members:
                self.set_members(resource_id, member_ids(resource))
            return self.get(resource_type, resource_id)

    def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        with self.operation():
            self.version(resource_type, resource_id)
            version = _version_number(expected_version)
            kind_of(resource_type).delete(self.work, resource_id, version)

    def _resource(self, resource_type: ResourceType, document: Document) -> Resource[Any]:
        meta = {key: item for key, item in document["meta"].items() if key != "location"}
        return self.model(resource_type).model_validate(document | {"meta": meta})


@cache
def _version_of(kind_name: str) -> Prepared:
    kind = KINDS[kind_name]
    return Prepared(
        lambda: select(kind.version).where(
            kind.table.account_id == bindparam("account_id", type_=Id),
            kind.table.id == bindparam("id", type_=Id),
        )
    )


def kind_of(resource_type: ResourceType) -> Kind:
    """Return what is known of a resource type."""
    return KINDS[str(resource_type.name)]


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
