"""Each SCIM operation, whole: read the request, write, answer with a document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from scim2_models import (
    Context,
    InvalidValueException,
    ListResponse,
    MutabilityException,
    ResourceType,
    SearchRequest,
)
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target

from app.directory.members import present
from app.words import say
from scim import bounds, dialects, members, unknown
from scim.projection import Document, Projection
from scim.rendering import etag
from scim.schemas import SEEN_FOLDERS
from scim.search import LAST_INDEX
from scim.service import GatehouseService
from scim.storage import DirectoryStorage, kind_of
from scim.unknown import Unknown

MEMBERS_IN_PATCH_REPLY = 100
"""A PATCH of a larger group answers without ``members``, so that its cost does not grow."""


@dataclass(frozen=True)
class Body:
    """The body of a POST or PUT, in its parts."""

    known: Document
    unknown: Unknown
    member_ids: list[str]


class Handler(ScimHandler):
    """Serves one request of one account."""

    service: GatehouseService
    storage: DirectoryStorage
    comparisons_left: int = bounds.COMPARISONS
    """How often this request may still look at a value."""

    def create(self, request: ScimRequest) -> ScimResponse:
        """POST (RFC 7644 §3.3)."""
        with self.service.provider:
            _, resource_type = self._target(request, Operation.create)
            payload = self.service.payload(request)
            created = self._create_plain(request, resource_type, payload)
            if created is None:
                created = self._create(resource_type, payload)
            return self._answer(request, resource_type, created, status=HTTPStatus.CREATED)

    def _create_plain(
        self, request: ScimRequest, resource_type: ResourceType, payload: Document
    ) -> str | None:
        """Add a resource that says only what most do, without a model of it.

        None where it says more, or the account has schemas of its own to hold it to.
        """
        kind = kind_of(resource_type)
        asked = None if request.subject.scim_epoch else kind.plain(payload)
        if asked is None:
            return None
        self.storage.about(resource_type, None, payload)
        with self.storage.operation():
            created = kind.add(self.storage.work, asked)
            self.storage.about(resource_type, created)
        return created

    def _create(self, resource_type: ResourceType, payload: Document) -> str:
        body = self._read(resource_type, payload)
        resource = self.service.resource_of(
            resource_type, body.known, Context.RESOURCE_CREATION_REQUEST
        )
        with self.storage.operation():
            created = self.storage.insert(resource_type, resource, body.member_ids)
            self.storage.keep_unknown(resource_type, created, body.unknown, replace=True)
        return created

    def query(self, request: ScimRequest) -> ScimResponse:
        """GET of one resource (RFC 7644 §3.4.1)."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.query)
            resource_id = cast(str, target.resource_id)
            conditions = self.service.read_conditions(request)
            if conditions.if_match or conditions.if_none_match:
                version = self._etag(resource_type, resource_id)
                if not conditions.check(version, "GET"):
                    headers = {"ETag": version} if version else {}
                    return ScimResponse(HTTPStatus.NOT_MODIFIED, None, headers)
            answer = self._answer(request, resource_type, resource_id)
            return self.service.me_response(request, target, answer)

    def replace(self, request: ScimRequest) -> ScimResponse:
        """PUT (RFC 7644 §3.5.1). Only what differs is written."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.replace)
            resource_id = cast(str, target.resource_id)
            body = self._read(resource_type, self.service.payload(request))
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                resource = self.service.resource_of(
                    resource_type, body.known, Context.RESOURCE_REPLACEMENT_REQUEST
                )
                self._keep_what_a_put_keeps(resource_type, resource_id, resource)
                self.storage.write(resource_type, resource)
                if kind_of(resource_type).has_members:
                    self.storage.set_members(resource_id, body.member_ids)
                self.storage.keep_unknown(resource_type, resource_id, body.unknown, replace=True)
            return self._answer(request, resource_type, resource_id)

    def patch(self, request: ScimRequest) -> ScimResponse:
        """PATCH (RFC 7644 §3.5.2). Answers 200 with the resource."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.patch)
            resource_id = cast(str, target.resource_id)
            operations = self.service.operations_of(self.service.payload(request))
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                self._apply_operations(resource_type, resource_id, operations)
            return self._answer(
                request, resource_type, resource_id, members_limit=MEMBERS_IN_PATCH_REPLY
            )

    def delete(self, request: ScimRequest) -> ScimResponse:
        """DELETE (RFC 7644 §3.6)."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.delete)
            resource_id = cast(str, target.resource_id)
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                self.storage.delete(resource_type, resource_id)
            return self.service.deletion_response()

    def search(self, request: ScimRequest) -> ScimResponse:
        """GET of a list, of one resource type or at the root (RFC 7644 §3.4.2)."""
        with self.service.provider:
            resource_types, authorized = self._searched(request, Operation.search)
            found = self.service.read_search_query(resource_types, request.query)
            return self._list(request, resource_types, authorized, *found)

    def search_with_body(self, request: ScimRequest) -> ScimResponse:
        """POST on ``.search``, of one resource type or at the root (RFC 7644 §3.4.3)."""
        with self.service.provider:
            resource_types, authorized = self._searched(request, Operation.search_with_body)
            found = self.service.read_search_body(
                resource_types, request.body, request.header("Content-Type")
            )
            return self._list(request, resource_types, authorized, *found)

    # -- Steps ------------------------------------------------------------

    def _target(self, request: ScimRequest, operation: Operation) -> tuple[Target, ResourceType]:
        target = self.service.route(request, operation)
        resource_type = self.service.resource_type_at(cast(str, target.endpoint))
        self.storage.about(resource_type, target.resource_id)
        self.service.authorize(request, target, resource_type)
        return target, resource_type

    def _read(self, resource_type: ResourceType, payload: Document) -> Body:
        """Read the body of a POST or PUT: put right, its members and unknown attributes aside."""
        self.storage.about(resource_type, None, payload)
        member_ids = members.take(payload) if kind_of(resource_type).has_members else []
        payload = dialects.normalise_resource(payload, self.service.urns)
        known, found = unknown.take(self.service.get_model(resource_type), payload)
        return Body(known, found, member_ids)

    def _searched(
        self, request: ScimRequest, operation: Operation
    ) -> tuple[list[ResourceType], list[ResourceType]]:
        """Return the resource types of a search, and those of them the token may reach."""
        target = self.service.route(request, operation)
        resource_types = self.service.searched_types(target.endpoint)
        return resource_types, self.service.authorized_types(request, target, resource_types)

    def _check_conditions(
        self, request: ScimRequest, resource_type: ResourceType, resource_id: str
    ) -> None:
        """Refuse a write whose ``If-Match`` does not hold. Unknown resources end here too."""
        version = self._etag(resource_type, resource_id)
        self.service.read_conditions(request).check(version, request.method)

    def _etag(self, resource_type: ResourceType, resource_id: str) -> str | None:
        version = self.storage.version(resource_type, resource_id)
        return None if version is None else etag(version)

    def _keep_what_a_put_keeps(
        self, resource_type: ResourceType, resource_id: str, resource: Any
    ) -> None:
        """Carry over what a PUT cannot change, and what it may leave out without clearing it.

        So a PUT without ``active`` never lets a deactivated person in again.
        """
        current = self._current(resource_type, resource_id)
        for name in kind_of(resource_type).fixed:
            sent, there = getattr(resource, name), getattr(current, name)
            if sent is not None and there is not None and sent.value == there.value:
                setattr(resource, name, there)  # Its other parts follow from the value.
        resource.replace(current)
        for name in kind_of(resource_type).kept_by_put:
            if getattr(resource, name) is None:
                setattr(resource, name, getattr(current, name))

    def _apply_operations(
        self, resource_type: ResourceType, resource_id: str, operations: list[Any]
    ) -> None:
        """Apply the operations of a PATCH, those on members without loading the members."""
        if kind_of(resource_type).apply(self.storage.work, resource_id, operations):
            return
        changes: list[members.Change] = []
        if kind_of(resource_type).has_members:
            changes, operations = members.split(operations)
        model = self.service.get_model(resource_type)
        operations, found = unknown.take_from_operations(model, operations)
        self._patch(resource_type, resource_id, operations)
        load = partial(self._with_named_members, resource_type, resource_id)
        for change in changes:
            if change.selection is not None:
                there = len(present(self.storage.work, resource_id).ids())
                self._look_at(bounds.terms_in(str(change.selection)) * there)
            members.apply(self.storage.work, resource_id, change, load)
        self.storage.keep_unknown(resource_type, resource_id, found, replace=False)

    def _patch(self, resource_type: ResourceType, resource_id: str, operations: list[Any]) -> None:
        if not operations:
            return
        patch = self.service.patch_of(resource_type, operations)
        resource = self._current(resource_type, resource_id)
        self._look_at(bounds.comparisons(operations, resource))
        unset = [each for each in kind_of(resource_type).fixed if getattr(resource, each) is None]
        if not self.service.apply(patch, resource):
            return
        for name in unset:
            if getattr(resource, name) is not None:
                raise MutabilityException(attribute=name, mutability="immutable")
        self.storage.write(resource_type, resource)

    def _look_at(self, values: int) -> None:
        self.comparisons_left -= values
        bounds.check_comparisons(self.comparisons_left)

    def _with_named_members(self, resource_type: ResourceType, resource_id: str) -> Any:
        """Return a stored group with its members and their names, for a filter to choose among."""
        asked = {"attributes": "members,members.display"}
        parameters = self.service.read_response_parameters(resource_type, asked)
        return self.storage.get(resource_type, resource_id, response_parameters=parameters)

    def _current(self, resource_type: ResourceType, resource_id: str) -> Any:
        """Return a stored resource to apply a change to; a group comes without its members."""
        heavy = kind_of(resource_type).heavy
        without = {"excludedAttributes": heavy} if heavy else {}
        parameters = self.service.read_response_parameters(resource_type, without)
        return self.storage.get(resource_type, resource_id, response_parameters=parameters)

    def _answer(
        self,
        request: ScimRequest,
        resource_type: ResourceType,
        resource_id: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        members_limit: int | None = None,
    ) -> ScimResponse:
        projection = self.service.projection(str(resource_type.name), request.query)
        document = self.storage.document(resource_type, resource_id, projection, members_limit)
        location, version = document["meta"]["location"], document["meta"].get("version")
        headers = {"Content-Location": location}
        if version:
            headers["ETag"] = version
        if status is HTTPStatus.CREATED:
            headers["Location"] = location
        return ScimResponse(status, projection.apply(schema_of(resource_type), document), headers)

    def _list(
        self,
        request: ScimRequest,
        resource_types: list[ResourceType],
        authorized: list[ResourceType],
        search_request: SearchRequest[Any],
        position: Any,
    ) -> ScimResponse:
        projection = Projection(search_request)
        if projection.requests(SEEN_FOLDERS):
            raise InvalidValueException(
                detail=say("The folders somebody sees are answered for one user: GET /Users/{id}")
            )
        page, found = self.storage.page(authorized, search_request, projection, position)
        documents = [projection.apply(document["schemas"][0], document) for document in found]
        # RFC 7644 lets an empty list leave Resources out; Okta and Entra want it.
        filled: Document = {"itemsPerPage": len(documents), "Resources": documents}
        schemas = [str(ListResponse.__schema__)]
        if search_request.cursor is not None:
            cursors = self.service.cursors_around(resource_types, search_request, page)
            return ScimResponse(HTTPStatus.OK, {"schemas": schemas} | cursors | filled)
        head: Document = {
            "schemas": schemas,
            "totalResults": page.total,
            "startIndex": min(search_request.start_index or 1, LAST_INDEX),
        }
        return ScimResponse(HTTPStatus.OK, head | filled)


def schema_of(resource_type: ResourceType) -> str:
    """Return the URN of the core schema of a resource type."""
    return str(resource_type.schema_)
